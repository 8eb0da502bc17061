import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainers.layers.comparison import assert_same
from trainers.layers import LSTM

arguments = st.fixed_dictionaries(
    {
        "units": st.integers(1, 5),
        "activation": st.sampled_from(["relu", "tanh", "elu"]),
        "recurrent_activation": st.sampled_from(["sigmoid", "hard_sigmoid"]),
        "use_bias": st.booleans(),
        "return_sequences": st.booleans(),
        "return_state": st.booleans(),
        "go_backwards": st.booleans(),
    }
)


def pair(**options):
    return LSTM(dtype="float64", **options), keras.layers.LSTM(dtype="float64", **options)


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 6), arguments)
@settings(max_examples=20, deadline=None)
def test_outputs_and_gradients_are_those_of_keras(batch, steps, features, options):
    inputs = np.random.default_rng(0).normal(size=(batch, steps, features))
    assert_same(*pair(**options), inputs)


@pytest.mark.parametrize("steps", [None, 1, 65])
def test_other_numbers_of_steps(steps):
    fast, stock = pair(units=3, activation="relu")
    models = [keras.Sequential([keras.Input((steps, 2)), layer]) for layer in (fast, stock)]
    models[0].set_weights(models[1].get_weights())
    inputs = np.random.default_rng(0).normal(size=(2, steps or 4, 2))
    np.testing.assert_allclose(models[0](inputs), models[1](inputs), rtol=1e-9)


def test_masks_dropout_and_states_are_keras_s_own():
    inputs = np.random.default_rng(0).normal(size=(2, 4, 3))
    fast, stock = pair(units=3, dropout=0.4, recurrent_dropout=0.2, seed=3)
    assert_same(fast, stock, inputs)
    np.testing.assert_array_equal(fast(inputs, training=True), stock(inputs, training=True))
    mask = tf.constant([[True, True, False, True], [True, False, True, False]])
    np.testing.assert_array_equal(fast(inputs, mask=mask), stock(inputs, mask=mask))
    states = [tf.ones((2, 3), tf.float64), -tf.ones((2, 3), tf.float64)]
    assert_same(*pair(units=3, return_state=True), inputs, initial_state=states)
