"""A ConvLSTM with the weights and results of Keras's, and fewer, larger convolutions."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainers.kernels import usable
from trainers.kernels.conv_lstm import ACTIVATIONS, conv_lstm
from trainers.layers import gates, processor
from trainers.layers.convolution import Convolution
from trainers.layers.recurrence import UnrolledLayer

_KERNEL_ACTIVATIONS = tuple(keras.activations.get(name) for name in ACTIVATIONS)


@keras.saving.register_keras_serializable("dotmotion")
class ConvLSTM2D(UnrolledLayer, keras.layers.ConvLSTM2D):
    """2D convolutional LSTM.

    Takes the arguments, weights and inputs of `keras.layers.ConvLSTM2D` and gives its
    outputs to float rounding. What Keras computes step by step in eight small convolutions
    is done as one for all gates, of the frame and the hidden state side by side: on a CPU by
    a kernel for all steps (see `trainers.kernels`), which takes float32, padding 'same',
    sigmoid gates and the activations 'tanh', 'relu' and 'linear'; otherwise in an unrolled
    loop. There the input's part is done beforehand, for all frames at once, where it can't
    be joined (with strides, dilation or padding 'valid') and on a GPU.

    Keras's own computation is used where this does not apply: with a mask, `stateful`,
    dropout, `data_format='channels_first'`, frames of unknown size, and, without the
    kernel, a number of frames that is unknown, 1 or above 64.

    Input: `[b, frames, height, width, channels]`. Output: `[b, frames, height, width,
    filters]` with `return_sequences`, otherwise `[b, height, width, filters]`; with
    `return_state`, followed by the last hidden state and carry.

    Source of the recurrence: Shi et al., "Convolutional LSTM network: a machine learning
    approach for precipitation nowcasting", NeurIPS 2015, without peepholes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # On a CPU, `fit` would have XLA compile the whole model, into slower convolutions.
        self.supports_jit = processor.has_gpu()

    def _is_fast(self, shape: Any) -> bool:
        return (
            None not in shape[2:]
            and self.data_format == "channels_last"
            and (super()._is_fast(shape) or (self._is_plain() and self._suits_kernel()))
        )

    def _run(self, sequences: Any, states: Any, training: bool) -> tuple[Any, Any, Any]:
        if not self._suits_kernel():
            return super()._run(sequences, states, training)
        cell = self.cell
        bias = cell.bias
        outputs, carry = conv_lstm(
            sequences,
            tf.convert_to_tensor(cell.kernel),
            tf.convert_to_tensor(cell.recurrent_kernel),
            tf.zeros(gates.COUNT * self.filters) if bias is None else bias.value,
            states,
            activation=keras.activations.serialize(cell.activation),
            all_steps=self.return_sequences,
            keep=bool(training),
        )
        return outputs, outputs[:, -1] if self.return_sequences else outputs, carry

    def _suits_kernel(self) -> bool:
        cell = self.cell
        return (
            self.strides == (1, 1)
            and self.dilation_rate == (1, 1)
            and self.padding == "same"
            and cell.activation in _KERNEL_ACTIVATIONS
            and cell.recurrent_activation is keras.activations.sigmoid
            and self.compute_dtype == "float32"
            and usable.is_usable()
        )

    def _unroll(self, sequences: Any, states: Any) -> tuple[list[Any], Any]:
        cell, dtype = self.cell, sequences.dtype
        hidden, carry = (None, None) if states is None else states
        kernel = tf.cast(cell.kernel, dtype)
        recurrent = tf.cast(cell.recurrent_kernel, dtype)
        bias = tf.zeros(gates.COUNT * self.filters, dtype)
        if cell.bias is not None:
            bias = tf.cast(cell.bias, dtype)
        step_sums = self._joined if self._joins() else self._beforehand
        step_sums = step_sums(sequences, kernel, recurrent)
        outputs = []
        for step in range(sequences.shape[1]):
            sums = step_sums(step, hidden)
            if carry is None:
                carry = tf.zeros_like(sums[..., : self.filters])
            hidden, carry = self._advance(sums, bias, carry)
            outputs.append(hidden)
        return outputs, carry

    def _joins(self) -> bool:
        return (
            self.strides == (1, 1)
            and self.dilation_rate == (1, 1)
            and self.padding == "same"
            and not processor.has_gpu()
        )

    def _joined(self, sequences: Any, kernel: Any, recurrent: Any) -> Any:
        """Sums of the gates from frame and hidden state in one convolution."""
        width = sequences.shape[3]
        frames = tf.unstack(sequences, axis=1)
        first = Convolution(kernel, width)
        later = Convolution(tf.concat([kernel, recurrent], axis=2), width)

        def step_sums(step: int, hidden: Any) -> Any:
            if hidden is None:
                return first(frames[step])
            return later(tf.concat([frames[step], hidden], axis=-1))

        return step_sums

    def _beforehand(self, sequences: Any, kernel: Any, recurrent: Any) -> Any:
        """Sums of the gates from the input's part, convolved here, and the hidden state."""
        parts = keras.ops.conv(
            tf.reshape(sequences, (-1, *sequences.shape[2:])),
            kernel,
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
        )
        by_step = tf.reshape(parts, (-1, sequences.shape[1], *parts.shape[1:]))
        steps = tf.unstack(by_step, axis=1)
        convolve = Convolution(recurrent, parts.shape[2])

        def step_sums(step: int, hidden: Any) -> Any:
            return steps[step] if hidden is None else steps[step] + convolve(hidden)

        return step_sums
