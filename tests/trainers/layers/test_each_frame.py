import keras
import numpy as np
import pytest
import tensorflow as tf

from trainers.layers import EachFrame

INPUTS = np.random.default_rng(0).normal(size=(3, 4, 9, 8, 2)).astype(np.float32)


def both(make, inputs=INPUTS, **options):
    fast, stock = EachFrame(make()), keras.layers.TimeDistributed(make())
    fast(inputs), stock(inputs)
    fast.set_weights(stock.get_weights())
    return fast(inputs, **options), stock(inputs, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.Conv2D(3, 3, activation="relu"),
        lambda: keras.layers.MaxPooling2D(2),
        lambda: keras.layers.Flatten(),
        lambda: keras.layers.Dense(3),
        lambda: keras.Sequential([keras.layers.Conv2D(3, 3), keras.layers.Flatten()]),
        lambda: keras.layers.LayerNormalization(),
    ],
)
def test_outputs_are_those_of_keras(make):
    fast, stock = both(make)
    assert fast.shape == stock.shape
    np.testing.assert_allclose(fast, stock, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.BatchNormalization(),
        lambda: keras.layers.Dropout(0.5, seed=3),
        lambda: keras.Sequential([keras.layers.Dropout(0.5, seed=3)]),
    ],
)
def test_what_looks_beyond_its_row_is_called_frame_by_frame(make, training):
    fast, stock = both(make, training=training)
    np.testing.assert_array_equal(fast, stock)


def test_a_layer_is_called_once_for_all_frames():
    calls = []

    class Counted(keras.layers.Layer):
        is_row_by_row = True

        def call(self, inputs):
            calls.append(tuple(inputs.shape))
            return inputs

    layer = EachFrame(Counted())
    layer.build(INPUTS.shape)
    calls.clear()
    layer.call(tf.constant(INPUTS))
    assert calls == [(12, 9, 8, 2)]


def test_any_batch():
    model = keras.Sequential([keras.Input((4, 9, 8, 2)), EachFrame(keras.layers.Flatten())])
    predict = tf.function(model, input_signature=[tf.TensorSpec((None, 4, 9, 8, 2))])
    for batch in (0, 1, 3):
        np.testing.assert_array_equal(
            predict(INPUTS[:batch]), INPUTS[:batch].reshape(batch, 4, 144)
        )
