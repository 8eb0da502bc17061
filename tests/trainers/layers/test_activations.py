import keras
import numpy as np
import pytest
import tensorflow as tf

from trainers import processor
from trainers.layers import activations

KERAS = sorted(activations._COMPILABLE, key=lambda activation: activation.__name__)


def outcomes(function, sums, bias):
    with tf.GradientTape() as tape:
        tape.watch((sums, bias))
        result = function(sums, bias)
        total = tf.reduce_sum(result * np.arange(1, result.shape[-1] + 1))
    return [result, *tape.gradient(total, (sums, bias))]


@pytest.mark.parametrize("activation", [*KERAS, lambda sums: sums**2])
@pytest.mark.parametrize("gpu", [False, True])
def test_with_bias_is_the_sum_and_then_the_activation(activation, gpu, monkeypatch):
    monkeypatch.setattr(processor, "has_gpu", lambda: gpu)
    random = np.random.default_rng(0)
    sums, bias = (
        tf.constant(random.normal(size=(3, 4, 5))),
        tf.constant(random.normal(size=5)),
    )
    found = outcomes(lambda a, b: activations.with_bias(a, b, activation), sums, bias)
    expected = outcomes(lambda a, b: activation(a + b), sums, bias)
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", KERAS)
def test_those_called_monotone_never_fall(activation):
    rises = np.diff(activation(tf.constant(np.linspace(-9, 9, 5001))).numpy())
    assert activations.is_monotone(activation) == bool((rises >= 0).all())


def test_weights_and_unknown_functions_are_not_compiled():
    assert activations.is_compilable(keras.activations.relu, keras.activations.sigmoid)
    assert not activations.is_compilable(keras.activations.relu, keras.layers.PReLU())
    assert not activations.is_compilable(lambda sums: sums)
