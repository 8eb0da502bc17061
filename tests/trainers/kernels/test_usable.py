import numpy as np
import tensorflow as tf

from trainers import layers, processor
from trainers.kernels import library, usable

FRAMES = np.random.default_rng(0).random((2, 6, 5, 1), np.float32)


def test_float32_on_a_cpu_outside_of_xla(monkeypatch):
    assert usable.is_usable()
    assert usable.is_usable(tf.constant(FRAMES))
    assert not usable.is_usable(tf.constant(FRAMES), tf.constant(FRAMES, tf.float64))
    found = []
    for jit_compile in (False, True):
        tf.function(lambda: found.append(usable.is_usable()), jit_compile=jit_compile)()
    assert found == [True, False]
    monkeypatch.setattr(processor, "has_gpu", lambda: True)
    assert not usable.is_usable()


def test_layers_give_the_same_inside_xla_and_without_kernels(monkeypatch):
    layer = layers.Conv2D(3, 3, padding="same", activation="relu", pool_size=2)
    expected = layer(FRAMES)
    compiled = tf.function(layer, jit_compile=True)
    np.testing.assert_allclose(compiled(FRAMES), expected, rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(library, "load", lambda: library.Kernels(None, "none"))
    assert not usable.is_usable()
    np.testing.assert_allclose(layer(FRAMES), expected, rtol=1e-5, atol=1e-6)
