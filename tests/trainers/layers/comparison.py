"""Comparing a layer with the stock layer of the same weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def outputs_and_gradients(layer: Any, inputs: tf.Tensor, **options: Any) -> list[tf.Tensor]:
    """Outputs, and gradients of a function of them for inputs and weights."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tf.nest.flatten(layer(inputs, **options))
        # Weighs every value differently.
        total = tf.add_n(
            [
                tf.reduce_sum(
                    value * np.sin(np.arange(tf.size(value))).reshape(value.shape)
                )
                for value in outputs
            ]
        )
    variables = [variable.value for variable in layer.trainable_variables]
    return [*outputs, *tape.gradient(total, [inputs, *variables])]


def assert_same(
    fast: keras.Layer,
    stock: keras.Layer,
    inputs: np.ndarray,
    *,
    rtol: float = 1e-9,
    **options: Any,
) -> None:
    """Both have the same weights' shapes, outputs and gradients.

    Args:
      fast: the layer to compare.
      stock: Keras's.
      inputs: what both take, float64 unless `rtol` is larger.
      rtol: largest difference, of the greatest value of each output and gradient.
      **options: further arguments of the call.
    """
    tensor = tf.constant(inputs)
    fast(tensor)
    stock(tensor)
    shapes = [weight.shape for weight in stock.weights]
    assert [weight.shape for weight in fast.weights] == shapes
    random = np.random.default_rng(1)
    weights = [0.2 * random.normal(size=shape) for shape in shapes]
    stock.set_weights(weights)
    fast.set_weights(weights)
    found = outputs_and_gradients(fast, tensor, **options)
    expected = outputs_and_gradients(stock, tensor, **options)
    assert len(found) == len(expected)
    for left, right in zip(found, expected, strict=True):
        scale = np.abs(right).max(initial=0)
        np.testing.assert_allclose(left, right, rtol=0, atol=rtol * (1e-3 + scale))
