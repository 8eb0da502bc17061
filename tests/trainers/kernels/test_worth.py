import keras
import numpy as np
import pytest

from tests.trainers.kernels.test_conv_pool import drawn
from trainers import layers
from trainers.kernels import worth


def test_the_models_convolutions_are():
    for size, channels in (((4, 4), 1), ((8, 8), 5)):
        assert worth.conv_pool(size, channels, 5, pools=True)
        for training in (False, True):
            assert worth.conv_lstm(size, channels, 5, training=training)


def test_many_channels_are_not():
    assert not worth.conv_pool((8, 8), 3, 64, pools=True)
    assert not worth.conv_pool((8, 8), 64, 3, pools=True)
    assert not worth.conv_pool((3, 3), 8, 8, pools=False)
    assert worth.conv_lstm((5, 5), 32, 32, training=False)
    assert not worth.conv_lstm((5, 5), 32, 32, training=True)
    assert not worth.conv_lstm((3, 3), 3, 128, training=False)


@pytest.mark.parametrize("training", [False, True])
def test_layers_of_many_channels_are_keras_s(training):
    frames = drawn(2, 7, 9, 20)
    arguments = {"filters": 24, "kernel_size": 3, "padding": "same", "activation": "relu"}
    fast = layers.Conv2D(**arguments, pool_size=2)
    stock = keras.layers.Conv2D(**arguments)
    fast.build(frames.shape)
    stock.build(frames.shape)
    stock.set_weights(fast.get_weights())
    expected = keras.layers.MaxPooling2D(2)(stock(frames, training=training))
    np.testing.assert_allclose(fast(frames, training=training), expected, rtol=1e-6)


@pytest.mark.parametrize("filters", [3, 40])
@pytest.mark.parametrize("steps", [3, None])
def test_a_conv_lstm_pools_once_with_and_without_the_kernel(filters, steps):
    # In training, 40 filters are too many for the kernel, in inference they are not.
    sequences = drawn(2, 3, 8, 9, 4)
    arguments = {"kernel_size": 5, "padding": "same", "return_sequences": True}
    inputs = keras.Input((steps, 8, 9, 4))
    fast = layers.ConvLSTM2D(filters, pool_size=2, **arguments)
    stock = keras.layers.ConvLSTM2D(filters, **arguments)
    pool = keras.layers.TimeDistributed(keras.layers.MaxPooling2D(2))
    fast_model = keras.Model(inputs, fast(inputs))
    stock_model = keras.Model(inputs, pool(stock(inputs)))
    stock.set_weights(fast.get_weights())
    for training in (False, True):
        found = fast_model(sequences, training=training)
        expected = stock_model(sequences, training=training)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
