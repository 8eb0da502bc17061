"""An LSTM with the weights and results of Keras's, for any activation."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# A longer loop is not unrolled: its graph would take longer to build than it saves.
MAX_UNROLLED_STEPS = 64
_GATES = 4


@keras.saving.register_keras_serializable("dotmotion")
class LSTM(keras.layers.LSTM):
    """Long short-term memory.

    Takes the arguments, weights and inputs of `keras.layers.LSTM` and gives its outputs to
    float rounding. The product of the input and its weights is one for all steps, and the
    loop over steps is unrolled; Keras redoes the product in every step of a `while_loop`
    unless cuDNN serves the layer, which it does for `activation='tanh'` alone.

    Keras's own computation is used where this does not apply: with a mask, `stateful`,
    dropout, a number of steps that is unknown, 1 or above 64, and on a GPU where cuDNN can
    serve the layer.

    Input: `[b, steps, features]`. Output: `[b, steps, units]` with `return_sequences`,
    otherwise `[b, units]`; with `return_state`, followed by the last hidden state and
    carry, `[b, units]` each.

    Source of the recurrence: Hochreiter and Schmidhuber, "Long short-term memory", Neural
    Computation 9(8), 1997, with the forget gate of Gers et al., 2000.
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
        steps = sequences.shape[1]
        # Keras draws masks, and so moves its generator on, also outside of training.
        drops = self.dropout > 0 or self.recurrent_dropout > 0
        return (
            steps is not None
            and 2 <= steps <= MAX_UNROLLED_STEPS
            and mask is None
            and not self.stateful
            and not drops
            and not self._suits_cudnn()
        )

    def _suits_cudnn(self) -> bool:
        return (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and bool(tf.config.list_logical_devices("GPU"))
        )

    def _run(self, sequences: Any, states: Any) -> tuple[list[Any], Any]:
        """Hidden states of all steps and the last carry, all `[b, units]`."""
        cell = self.cell
        dtype = sequences.dtype
        if self.go_backwards:
            sequences = tf.reverse(sequences, axis=[1])
        from_input = tf.tensordot(sequences, tf.cast(cell.kernel, dtype), 1)
        if cell.bias is not None:
            from_input += tf.cast(cell.bias, dtype)
        recurrent = tf.cast(cell.recurrent_kernel, dtype)
        hidden, carry = (None, None) if states is None else states
        outputs = []
        for gates in tf.unstack(from_input, num=sequences.shape[1], axis=1):
            if hidden is not None:
                gates = gates + tf.matmul(hidden, recurrent)
            enters, forgets, candidate, leaves = tf.split(gates, _GATES, axis=-1)
            update = cell.recurrent_activation(enters) * cell.activation(candidate)
            if carry is None:
                carry = update
            else:
                carry = cell.recurrent_activation(forgets) * carry + update
            hidden = cell.recurrent_activation(leaves) * cell.activation(carry)
            outputs.append(hidden)
        return outputs, carry
