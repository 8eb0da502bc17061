"""An LSTM with the weights and results of Keras's, for any activation."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainers import processor
from trainers.layers import gates
from trainers.layers.recurrence import UnrolledLayer


@keras.saving.register_keras_serializable("dotmotion")
class LSTM(UnrolledLayer, keras.layers.LSTM):
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

    def _is_fast(self, shape: Any, training: bool) -> bool:
        return super()._is_fast(shape, training) and not self._suits_cudnn()

    def _suits_cudnn(self) -> bool:
        return (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and processor.has_gpu()
        )

    def _unroll(self, sequences: Any, states: Any) -> tuple[list[Any], Any]:
        cell = self.cell
        dtype = sequences.dtype
        from_input = tf.tensordot(sequences, tf.cast(cell.kernel, dtype), 1)
        bias = tf.zeros(gates.COUNT * cell.units, dtype)
        if cell.bias is not None:
            bias = tf.cast(cell.bias, dtype)
        recurrent = tf.cast(cell.recurrent_kernel, dtype)
        hidden, carry = (None, None) if states is None else states
        outputs = []
        for sums in tf.unstack(from_input, num=sequences.shape[1], axis=1):
            if hidden is not None:
                sums = sums + tf.matmul(hidden, recurrent)
            if carry is None:
                carry = tf.zeros_like(sums[:, : cell.units])
            hidden, carry = self._advance(sums, bias, carry)
            outputs.append(hidden)
        return outputs, carry
