"""What the recurrent layers share: when they are fast, and what they give back."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainers import processor
from trainers.layers import gates
from trainers.processor import UseXla

# A longer loop is not unrolled: its graph would take longer to build than it saves.
MAX_UNROLLED_STEPS = 64


class UnrolledLayer(keras.layers.RNN):
    """Comes before a recurrent layer of Keras's among the bases of a class.

    Keras's own computation is used with a mask, `stateful`, dropout, and a number of steps
    that is unknown, 1 or above 64.
    """

    def __init__(self, *args: Any, use_xla: UseXla = "auto", **kwargs: Any) -> None:
        """Creates the layer.

        Args:
          *args: arguments of Keras's layer.
          use_xla: whether XLA compiles what is done element by element; 'auto' for where
            that was measured to be faster, on a CPU. Not part of the configuration.
          **kwargs: further arguments of Keras's layer.

        Raises:
          ValueError: if an argument is not usable.
        """
        super().__init__(*args, **kwargs)
        self._use_xla = processor.require_use_xla(use_xla)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """Runs the layer; see the class."""
        if mask is not None or not self._is_fast(sequences.shape, training):
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        sequences = tf.cast(sequences, self.compute_dtype)
        if self.go_backwards:
            sequences = tf.reverse(sequences, axis=[1])
        states = None
        if initial_state is not None:
            states = [tf.cast(state, self.compute_dtype) for state in initial_state]
        outputs, hidden, carry = self._run(sequences, states, training)
        return (outputs, hidden, carry) if self.return_state else outputs

    def _is_fast(self, shape: Any, training: bool) -> bool:
        del training
        steps = shape[1]
        return self._is_plain() and steps is not None and 2 <= steps <= MAX_UNROLLED_STEPS

    def _is_plain(self) -> bool:
        """Whether steps depend on nothing but inputs, states and weights."""
        # Keras draws masks, and so moves its generator on, also outside of training.
        drops = self.dropout > 0 or self.recurrent_dropout > 0
        return not self.stateful and not drops

    def _run(self, sequences: Any, states: Any, training: bool) -> tuple[Any, Any, Any]:
        """Outputs, last hidden state and last carry; see `_unroll` for the arguments."""
        hidden, carry = self._unroll(sequences, states)
        outputs = tf.stack(hidden, axis=1) if self.return_sequences else hidden[-1]
        return outputs, hidden[-1], carry

    def _advance(self, sums: Any, bias: Any, carry: Any) -> tuple[Any, Any]:
        """Hidden state and carry after a step; see `gates.advance`."""
        activation, gate_activation = self.cell.activation, self.cell.recurrent_activation
        return gates.advance(sums, bias, carry, activation, gate_activation, self._use_xla)

    def _unroll(self, sequences: Any, states: Any) -> tuple[list[Any], Any]:
        """The hidden states of all steps and the last carry.

        Args:
          sequences: `[b, steps, ...]` in the order in which they are to be taken.
          states: hidden state and carry to start from, or None for zeros.
        """
        raise NotImplementedError
