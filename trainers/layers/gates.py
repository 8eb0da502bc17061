"""What an LSTM does with its four gates once their sums are there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from trainers import processor
from trainers.layers import activations
from trainers.layers.activations import Activation
from trainers.processor import UseXla

COUNT = 4


def advance(
    sums: tf.Tensor,
    bias: tf.Tensor,
    carry: tf.Tensor,
    activation: Activation,
    gate_activation: Activation,
    use_xla: UseXla = "auto",
) -> tuple[tf.Tensor, tf.Tensor]:
    """One step of an LSTM.

    Large tensors are passed over once forward and a few times backward where XLA can
    compile the activations, and only `sums` and `carry` are kept for the gradient; by
    TensorFlow's kernels each of 14 operations reads and writes memory.

    Args:
      sums: `[..., 4 * filters]`, of the input's and the hidden state's parts: input gate,
        forget gate, candidate, output gate.
      bias: `[4 * filters]`.
      carry: `[..., filters]`.
      activation: of candidate and carry.
      gate_activation: of the gates; Keras calls it `recurrent_activation`.
      use_xla: see `processor.wants_xla`.

    Returns:
      The hidden state and the carry, `[..., filters]` each.
    """
    compilable = activations.is_compilable(activation, gate_activation)
    if compilable and processor.wants_xla(use_xla):
        return _compiled(activation, gate_activation)(sums, bias, carry)
    sums = activations.add_bias(sums, bias)
    return _advance(sums, carry, activation, gate_activation)


def _advance(
    sums: tf.Tensor, carry: tf.Tensor, activation: Activation, gate_activation: Activation
) -> tuple[tf.Tensor, tf.Tensor]:
    enters, forgets, candidate, leaves = _quarters(sums)
    carry = gate_activation(forgets) * carry + gate_activation(enters) * activation(
        candidate
    )
    return gate_activation(leaves) * activation(carry), carry


@tf.custom_gradient
def _quarters(sums: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], Callable]:
    size = sums.shape[-1] // COUNT

    def gradient(*outer: tf.Tensor) -> tf.Tensor:
        # XLA makes one loop of padding and adding (8.8 ms for 4 million sums), and one with
        # the exponentials redone for each quarter of a concatenation (13.8 ms).
        start = [(0, 0)] * (len(sums.shape) - 1)
        return tf.add_n(
            [
                tf.pad(part, [*start, (place * size, (COUNT - 1 - place) * size)])
                for place, part in enumerate(outer)
            ]
        )

    return tuple(tf.split(sums, COUNT, axis=-1)), gradient


@functools.lru_cache(maxsize=64)
def _compiled(activation: Activation, gate_activation: Activation) -> Any:
    @tf.function(jit_compile=True, autograph=False)
    def forward(sums: Any, bias: Any, carry: Any) -> Any:
        return _advance(sums + bias, carry, activation, gate_activation)

    @tf.function(jit_compile=True, autograph=False)
    def backward(sums: Any, bias: Any, carry: Any, *outer: Any) -> Any:
        with tf.GradientTape() as tape:
            sums = sums + bias
            tape.watch((sums, carry))
            results = _advance(sums, carry, activation, gate_activation)
        return tape.gradient(results, (sums, carry), outer)

    @tf.custom_gradient
    def with_gradient(sums: Any, bias: Any, carry: Any) -> Any:
        def gradient(*outer: Any) -> Any:
            of_sums, of_carry = backward(sums, bias, carry, *outer)
            return of_sums, activations.bias_gradient(of_sums), of_carry

        return forward(sums, bias, carry), gradient

    return with_gradient
