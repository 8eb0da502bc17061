import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainers.layers.comparison import assert_same
from trainers.layers import ConvLSTM2D

geometries = st.tuples(
    st.integers(0, 3),
    st.integers(1, 6),
    st.integers(3, 11),
    st.integers(3, 11),
    st.integers(1, 3),
)
arguments = st.fixed_dictionaries(
    {
        "filters": st.integers(1, 3),
        "kernel_size": st.tuples(st.integers(1, 8), st.integers(1, 8)),
        "padding": st.just("same"),
        "activation": st.sampled_from(["relu", "tanh", None]),
        "recurrent_activation": st.sampled_from(["sigmoid", "hard_sigmoid"]),
        "use_bias": st.booleans(),
        "return_sequences": st.booleans(),
        "return_state": st.booleans(),
        "go_backwards": st.booleans(),
    }
)
SMALL = {"filters": 2, "kernel_size": 3, "padding": "same"}


def pair(dtype="float64", **options):
    return ConvLSTM2D(dtype=dtype, **options), keras.layers.ConvLSTM2D(
        dtype=dtype, **options
    )


def clips(batch, frames, height, width, channels, dtype=np.float64):
    random = np.random.default_rng(0)
    return random.normal(size=(batch, frames, height, width, channels)).astype(dtype)


class ConvolvedAndPooled(keras.Sequential):
    """What `pool_size` stands for, by Keras's layers."""

    def __init__(self, pool_size, **options):
        pool = keras.layers.MaxPooling2D(pool_size, dtype=options["dtype"])
        if options.get("return_sequences"):
            pool = keras.layers.TimeDistributed(pool, dtype=options["dtype"])
        super().__init__([keras.layers.ConvLSTM2D(**options), pool])


@given(geometries, arguments, st.sampled_from(["float32", "float64"]))
@settings(max_examples=30, deadline=None)
def test_outputs_and_gradients_are_those_of_keras(geometry, options, dtype):
    batch, *rest = geometry
    inputs = 0.3 * clips(batch + 1, *rest, dtype)
    rtol = 1e-4 if dtype == "float32" else 1e-9
    assert_same(*pair(dtype, **options), inputs, rtol=rtol)


@given(
    geometries,
    arguments.map(lambda options: {**options, "return_state": False}),
    st.sampled_from([1, 2, (3, 2)]),
    st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=20, deadline=None)
def test_pooling_is_that_of_keras(geometry, options, pool_size, dtype):
    batch, *rest = geometry
    fast = ConvLSTM2D(pool_size=pool_size, dtype=dtype, **options)
    stock = ConvolvedAndPooled(pool_size, dtype=dtype, **options)
    rtol = 1e-4 if dtype == "float32" else 1e-9
    inputs = 0.3 * clips(batch + 1, *rest, dtype)
    assert_same(fast, stock, inputs, rtol=rtol)
    shape = fast.compute_output_shape(inputs.shape)
    assert tuple(shape) == tuple(fast(inputs).shape)


@pytest.mark.parametrize(
    "options", [{}, {"dropout": 0.1}, {"padding": "valid"}, {"return_sequences": True}]
)
def test_states_are_not_pooled(options):
    options = {**SMALL, "return_state": True, **options}
    fast = ConvLSTM2D(pool_size=2, **options)
    stock = keras.layers.ConvLSTM2D(**options)
    inputs = clips(3, 4, 7, 5, 2, np.float32)
    found = fast(inputs)
    stock(inputs)
    stock.set_weights(fast.get_weights())
    expected = stock(inputs)
    outputs = expected[0] if options.get("return_sequences") else expected[0][:, None]
    pooled = [
        tf.nn.max_pool2d(frames, 2, 2, "VALID") for frames in tf.unstack(outputs, axis=1)
    ]
    pooled = tf.stack(pooled, 1) if options.get("return_sequences") else pooled[0]
    for left, right in zip(found, (pooled, *expected[1:]), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


def test_pooling_is_saved_too(tmp_path):
    layer = ConvLSTM2D(**SMALL, pool_size=(2, 1), return_sequences=True)
    model = keras.Sequential([keras.Input((3, 6, 5, 1)), layer])
    assert model.output_shape == (None, 3, 3, 5, 2)
    model.save(tmp_path / "fast.keras")
    loaded = keras.models.load_model(tmp_path / "fast.keras")
    assert loaded.layers[0].pool_size == (2, 1)
    inputs = clips(2, 3, 6, 5, 1, np.float32)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    with pytest.raises(ValueError, match="pool_size"):
        ConvLSTM2D(**SMALL, pool_size=(1, 2, 3))


@pytest.mark.parametrize(
    "options",
    [
        {"strides": 2},
        {"strides": (2, 1), "padding": "valid"},
        {"padding": "valid"},
        {"dilation_rate": 2},
        {"unit_forget_bias": False},
        {"unroll": True},
        {"kernel_regularizer": "l2", "bias_constraint": "non_neg"},
    ],
)
def test_other_arguments(options):
    layers = pair(**{**SMALL, **options})
    assert layers[0].get_config() == layers[1].get_config() | {"name": layers[0].name}
    assert_same(*layers, clips(2, 4, 9, 10, 2))


def assert_same_in_float32(layers, inputs, **options):
    assert_same(*layers, inputs.astype(np.float32), rtol=1e-4, **options)


def test_float32_to_its_rounding():
    options = {"filters": 5, "kernel_size": 8, "padding": "same", "activation": "relu"}
    assert_same_in_float32(pair("float32", **options), 0.1 * clips(2, 6, 25, 33, 5))


def test_states_go_in_and_out():
    layers = pair(**SMALL, return_state=True)
    state = [tf.constant(clips(3, 1, 7, 5, 2)[:, 0]) for _ in range(2)]
    assert_same(*layers, clips(3, 4, 7, 5, 2), initial_state=state)


def test_dropout_is_keras_s_own():
    fast, stock = pair(**SMALL, dropout=0.5, recurrent_dropout=0.3, seed=4)
    inputs = clips(2, 4, 7, 5, 2)
    assert_same(fast, stock, inputs, training=False)
    np.testing.assert_array_equal(fast(inputs, training=True), stock(inputs, training=True))


def test_masks_and_states_that_stay_are_keras_s_own():
    fast, stock = pair(**SMALL, stateful=True)
    inputs = clips(2, 4, 7, 5, 2)
    fast(inputs), stock(inputs)
    fast.set_weights(stock.get_weights())
    for layer in (fast, stock):
        layer.reset_state()
    mask = np.array([[1, 1, 0, 1], [1, 0, 1, 1]], bool)
    for options in ({}, {"mask": mask}, {}):
        np.testing.assert_array_equal(fast(inputs, **options), stock(inputs, **options))


@pytest.mark.parametrize("frames", [None, 1, 65])
def test_other_numbers_of_frames(frames):
    shape = (frames, 6, 5, 1)
    fast, stock = pair(filters=2, kernel_size=3, padding="same")
    models = [keras.Sequential([keras.Input(shape), layer]) for layer in (fast, stock)]
    models[0].set_weights(models[1].get_weights())
    inputs = clips(2, frames or 3, 6, 5, 1)
    np.testing.assert_allclose(models[0](inputs), models[1](inputs), rtol=1e-9)


def test_weights_and_configs_go_both_ways(tmp_path):
    fast, stock = pair("float32", **SMALL, return_sequences=True)
    models = [
        keras.Sequential([keras.Input((3, 6, 5, 1)), layer]) for layer in (fast, stock)
    ]
    inputs = clips(2, 3, 6, 5, 1, np.float32)
    for source, target in (models, models[::-1]):
        source.set_weights([weight + 0.1 for weight in source.get_weights()])
        source.save_weights(tmp_path / "x.weights.h5")
        target.load_weights(tmp_path / "x.weights.h5")
        np.testing.assert_allclose(source(inputs), target(inputs), rtol=1e-4, atol=1e-6)
    rebuilt = keras.layers.ConvLSTM2D.from_config(fast.get_config())
    assert rebuilt.get_config() == fast.get_config()
    models[0].save(tmp_path / "fast.keras")
    loaded = keras.models.load_model(tmp_path / "fast.keras")
    assert type(loaded.layers[0]) is ConvLSTM2D
    np.testing.assert_array_equal(loaded(inputs), models[0](inputs))


def test_any_batch_inside_a_function_and_fit():
    layer = ConvLSTM2D(**SMALL)
    model = keras.Sequential([keras.Input((3, 6, 5, 1)), layer, keras.layers.Flatten()])
    predict = tf.function(model, input_signature=[tf.TensorSpec((None, 3, 6, 5, 1))])
    for batch in (1, 4):
        inputs = clips(batch, 3, 6, 5, 1, np.float32)
        np.testing.assert_allclose(predict(inputs), model(inputs), rtol=1e-5, atol=1e-6)
    model.compile("sgd", "mse")
    history = model.fit(
        clips(6, 3, 6, 5, 1, np.float32), np.zeros((6, 60)), batch_size=4, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()
