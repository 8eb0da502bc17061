"""A ConvLSTM with the weights and results of Keras's, and fewer, larger convolutions."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainers.layers import blocks

# A longer loop is not unrolled: its graph would take longer to build than it saves.
MAX_UNROLLED_FRAMES = 64
_GATES = 4
_BLOCK = (2, 2)


@keras.saving.register_keras_serializable("dotmotion")
class ConvLSTM2D(keras.layers.ConvLSTM2D):
    """2D convolutional LSTM.

    Takes the arguments, weights and inputs of `keras.layers.ConvLSTM2D` and gives its
    outputs to float rounding. What Keras computes step by step in eight small
    convolutions is done as

    - one convolution of the input for all frames and gates,
    - one convolution of the hidden state a step for all gates, between blocks of 2 x 2
      pixels (see `blocks`), in which form the state stays from step to step,
    - none where the hidden state is zero, in the first step,
    - in a loop that is unrolled.

    Keras's own computation is used where this does not apply: with a mask, `stateful`,
    dropout, `data_format='channels_first'`, a number of frames that is unknown, 1 or above
    64.

    Input: `[b, frames, height, width, channels]`. Output: `[b, frames, height, width,
    filters]` with `return_sequences`, otherwise `[b, height, width, filters]`; with
    `return_state`, followed by the last hidden state and carry.

    Source of the recurrence: Shi et al., "Convolutional LSTM network: a machine learning
    approach for precipitation nowcasting", NeurIPS 2015, without peepholes.
    """

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """Runs the layer; see the class."""
        if not self._is_fast(sequences, mask):
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        states = None
        if initial_state is not None:
            states = [tf.cast(state, self.compute_dtype) for state in initial_state]
        hidden, carry = self._run(tf.cast(sequences, self.compute_dtype), states)
        output = tf.stack(hidden, axis=1) if self.return_sequences else hidden[-1]
        return (output, hidden[-1], carry) if self.return_state else output

    def _is_fast(self, sequences: Any, mask: Any) -> bool:
        frames = sequences.shape[1]
        # Keras draws masks, and so moves its generator on, also outside of training.
        drops = self.dropout > 0 or self.recurrent_dropout > 0
        return (
            frames is not None
            and 2 <= frames <= MAX_UNROLLED_FRAMES
            and mask is None
            and not self.stateful
            and not drops
            and self.data_format == "channels_last"
        )

    def _run(self, sequences: Any, states: Any) -> tuple[list[Any], Any]:
        """Hidden states of all frames and the last carry, all `[b, h, w, filters]`."""
        cell = self.cell
        frames = sequences.shape[1]
        if self.go_backwards:
            sequences = tf.reverse(sequences, axis=[1])
        dtype = sequences.dtype
        bias = None if cell.bias is None else tf.cast(cell.bias, dtype)
        steps, height, width = self._input_part(
            sequences, tf.cast(cell.kernel, dtype), bias
        )
        recurrent = blocks.blocked_kernel(
            tf.cast(cell.recurrent_kernel, dtype), _BLOCK, _GATES
        )
        in_frame = blocks.inside(height, width, self.filters, _BLOCK)
        keep = None if in_frame is None else tf.constant(in_frame, dtype)
        hidden = carry = None
        if states is not None:
            hidden, carry = (blocks.to_blocks(state, _BLOCK) for state in states)
        outputs = []
        for frame in range(frames):
            gates = steps[frame]
            if hidden is not None:
                gates = gates + blocks.convolve(hidden, recurrent, self.kernel_size, _BLOCK)
            enters, forgets, candidate, leaves = tf.split(gates, _GATES, axis=-1)
            update = cell.recurrent_activation(enters) * cell.activation(candidate)
            if carry is None:
                carry = update
            else:
                carry = cell.recurrent_activation(forgets) * carry + update
            hidden = cell.recurrent_activation(leaves) * cell.activation(carry)
            if keep is not None:
                # What lies outside the frame is padding to the next convolution.
                hidden = hidden * keep
            outputs.append(hidden)
        wanted = outputs if self.return_sequences else outputs[-1:]
        pixels = [blocks.from_blocks(output, height, width, _BLOCK) for output in wanted]
        return pixels, blocks.from_blocks(carry, height, width, _BLOCK)

    def _input_part(
        self, sequences: Any, kernel: Any, bias: Any
    ) -> tuple[list[Any], int, int]:
        """What the input adds to each frame's gates, blocked, and the output's size."""
        frames, height, width, channels = sequences.shape[1:]
        folded = tf.reshape(sequences, (-1, height, width, channels))
        plain = self.strides == (1, 1) and self.dilation_rate == (1, 1)
        if plain and self.padding == "same":
            parts = blocks.convolve(
                blocks.to_blocks(folded, _BLOCK),
                blocks.blocked_kernel(kernel, _BLOCK, _GATES),
                self.kernel_size,
                _BLOCK,
            )
            if bias is not None:
                by_gate = tf.reshape(bias, (_GATES, 1, self.filters))
                places = _BLOCK[0] * _BLOCK[1]
                parts += tf.reshape(tf.repeat(by_gate, places, axis=1), [-1])
        else:
            whole = keras.ops.conv(
                folded,
                kernel,
                strides=self.strides,
                padding=self.padding,
                dilation_rate=self.dilation_rate,
            )
            if bias is not None:
                whole += bias
            height, width = whole.shape[1:3]
            by_gate = tf.split(whole, _GATES, axis=-1)
            parts = tf.concat([blocks.to_blocks(gate, _BLOCK) for gate in by_gate], -1)
        steps = tf.unstack(tf.reshape(parts, (-1, frames, *parts.shape[1:])), axis=1)
        return steps, height, width
