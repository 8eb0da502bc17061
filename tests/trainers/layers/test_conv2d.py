import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainers.layers.comparison import assert_same
from trainers.layers import Conv2D

SMALL = {"filters": 5, "kernel_size": 4, "padding": "same", "activation": "relu"}


def frames(*shape, dtype=np.float64):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


class ConvolvedAndPooled(keras.Sequential):
    """What `pool_size` stands for, by Keras's layers."""

    def __init__(self, pool_size, **options):
        dtype = options.get("dtype", "float64")
        super().__init__(
            [
                keras.layers.Conv2D(**options),
                keras.layers.MaxPooling2D(pool_size, dtype=dtype),
            ]
        )


@given(
    st.tuples(st.integers(1, 3), st.integers(3, 9), st.integers(3, 14), st.integers(1, 3)),
    st.fixed_dictionaries(
        {
            "filters": st.integers(1, 6),
            "kernel_size": st.tuples(st.integers(1, 8), st.integers(1, 8)),
            "activation": st.sampled_from(["relu", "tanh", "gelu", None]),
            "use_bias": st.booleans(),
        }
    ),
    st.sampled_from([None, 1, 2, (3, 2)]),
    st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=40, deadline=None)
def test_outputs_and_gradients_are_those_of_keras(geometry, options, pool_size, dtype):
    options = {**options, "padding": "same", "dtype": dtype}
    if pool_size is None:
        stock = keras.layers.Conv2D(**options)
    else:
        stock = ConvolvedAndPooled(pool_size, **options)
    rtol = 1e-4 if dtype == "float32" else 1e-9
    inputs = frames(*geometry, dtype=dtype)
    assert_same(Conv2D(pool_size=pool_size, **options), stock, inputs, rtol=rtol)


@pytest.mark.parametrize(
    "options",
    [
        {"strides": 2},
        {"strides": (1, 2)},
        {"padding": "valid"},
        {"dilation_rate": 2},
        {"groups": 3, "filters": 6},
        {"kernel_regularizer": "l2", "bias_constraint": "non_neg"},
    ],
)
@pytest.mark.parametrize("pool_size", [None, 2])
def test_other_arguments(options, pool_size):
    options = {**SMALL, "dtype": "float64", **options}
    fast = Conv2D(pool_size=pool_size, **options)
    if pool_size is None:
        stock = keras.layers.Conv2D(**options)
        assert fast.get_config() == stock.get_config() | {"name": fast.name}
    else:
        stock = ConvolvedAndPooled(pool_size, **options)
    assert_same(fast, stock, frames(2, 12, 13, 3))
    assert fast.compute_output_shape((2, 12, 13, 3)) == tuple(
        stock.compute_output_shape((2, 12, 13, 3))
    )


def test_float32_to_its_rounding():
    options = {**SMALL, "kernel_size": 8, "dtype": "float32"}
    inputs = frames(4, 25, 65, 5, dtype=np.float32)
    stock = ConvolvedAndPooled(2, **options)
    assert_same(Conv2D(pool_size=2, **options), stock, inputs, rtol=1e-4)


@pytest.mark.parametrize("shape", [(None, None, 2), (9, None, 2)])
def test_frames_of_unknown_size(shape):
    model = keras.Sequential(
        [keras.Input(shape), Conv2D(3, 3, padding="same", pool_size=2)]
    )
    stock = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(3, 3, padding="same"),
            keras.layers.MaxPooling2D(),
        ]
    )
    stock.set_weights(model.get_weights())
    inputs = frames(2, 9, 7, 2, dtype=np.float32)
    np.testing.assert_allclose(model(inputs), stock(inputs), rtol=1e-5, atol=1e-6)


def test_a_window_that_can_t_be():
    with pytest.raises(ValueError, match="pool_size"):
        Conv2D(3, 3, pool_size=(1, 2, 3))


def test_weights_and_configs_go_both_ways(tmp_path):
    models = [
        keras.Sequential([keras.Input((6, 5, 1)), layer])
        for layer in (Conv2D(**SMALL), keras.layers.Conv2D(**SMALL))
    ]
    inputs = frames(2, 6, 5, 1, dtype=np.float32)
    for source, target in (models, models[::-1]):
        source.set_weights([weight + 0.1 for weight in source.get_weights()])
        source.save_weights(tmp_path / "x.weights.h5")
        target.load_weights(tmp_path / "x.weights.h5")
        np.testing.assert_allclose(source(inputs), target(inputs), rtol=1e-4, atol=1e-6)


def test_pooling_is_saved_too(tmp_path):
    layer = Conv2D(**SMALL, pool_size=(2, 1))
    model = keras.Sequential([keras.Input((6, 5, 1)), layer])
    model.save(tmp_path / "fast.keras")
    loaded = keras.models.load_model(tmp_path / "fast.keras")
    assert loaded.layers[0].pool_size == (2, 1)
    inputs = frames(2, 6, 5, 1, dtype=np.float32)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_any_batch_inside_a_function_and_fit():
    model = keras.Sequential(
        [keras.Input((6, 5, 1)), Conv2D(**SMALL, pool_size=2), keras.layers.Flatten()]
    )
    predict = tf.function(model, input_signature=[tf.TensorSpec((None, 6, 5, 1))])
    for batch in (1, 4):
        inputs = frames(batch, 6, 5, 1, dtype=np.float32)
        np.testing.assert_allclose(predict(inputs), model(inputs), rtol=1e-5, atol=1e-6)
    model.compile("sgd", "mse")
    assert not model.jit_compile
    inputs = frames(6, 6, 5, 1, dtype=np.float32)
    history = model.fit(inputs, np.zeros((6, 30)), batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
