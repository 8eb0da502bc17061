import keras
import numpy as np
import pytest
import tensorflow as tf

import dotmotion_tfds
from trainers import models
from trainers.options import OptionsError

SMALL = (3, 17, 27, 1)


def clips(rows=2, shape=SMALL):
    return np.random.default_rng(0).random((rows, *shape), np.float32)


@pytest.mark.parametrize(("name", "params"), [("cnn_lstm", 13_039), ("conv_lstm", 29_504)])
def test_parameters_are_those_of_the_notebook(name, params):
    model = models.build(name)
    assert model.count_params() == params
    assert model.input_shape == (None, 20, 50, 130, 1)
    assert model.output_shape == (None, 4)


def written_out(name):
    """The architectures as one writes them with Keras alone."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(SMALL)])
    for number, size in enumerate((4, 8, 8)):
        if name == "cnn_lstm":
            model.add(
                layers.TimeDistributed(
                    layers.Conv2D(5, size, padding="same", activation="relu")
                )
            )
            model.add(layers.TimeDistributed(layers.MaxPooling2D(2)))
        else:
            sequences = number < 2
            model.add(
                layers.ConvLSTM2D(
                    5, size, padding="same", activation="relu", return_sequences=sequences
                )
            )
            pool = layers.MaxPooling2D(2)
            model.add(layers.TimeDistributed(pool) if sequences else pool)
    if name == "cnn_lstm":
        model.add(layers.TimeDistributed(layers.Flatten()))
        model.add(layers.LSTM(5, activation="relu"))
    else:
        model.add(layers.Flatten())
    model.add(layers.Dense(4, activation="softmax"))
    return model


@pytest.mark.parametrize("layers", ["fast", "stock"])
@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
def test_weights_go_both_ways_between_it_and_plain_keras(name, layers):
    ours = models.build(name, clip_shape=SMALL, layers=layers)
    plain = written_out(name)
    ours.set_weights(plain.get_weights())
    np.testing.assert_allclose(ours(clips()), plain(clips()), rtol=1e-5, atol=1e-6)
    plain.set_weights(models.build(name, clip_shape=SMALL, seed=5).get_weights())
    assert not np.allclose(ours(clips()), plain(clips()))


@pytest.mark.parametrize(
    "name", ["cnn_lstm", pytest.param("conv_lstm", marks=pytest.mark.slow)]
)
def test_fast_layers_learn_what_stock_layers_learn(name):
    trained = {}
    for layers in ("fast", "stock"):
        model = models.build(name, clip_shape=SMALL, layers=layers)
        model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
        labels = np.arange(8) % 4
        history = model.fit(
            clips(8), labels, batch_size=4, epochs=50, shuffle=False, verbose=0
        )
        trained[layers] = [np.array(history.history["loss"]), *model.get_weights()]
    for fast, stock in zip(trained["fast"], trained["stock"], strict=True):
        np.testing.assert_allclose(fast, stock, rtol=1e-3, atol=1e-4)


def test_the_two_ways_to_write_the_cnn_lstm_are_equal():
    flat = models.build("cnn_lstm", clip_shape=SMALL)
    nested = models.build("cnn_lstm", clip_shape=SMALL, nesting="nested")
    assert any(isinstance(layer, keras.layers.TimeDistributed) for layer in nested.layers)
    assert len(nested.layers) < len(flat.layers)
    for left, right in zip(flat.get_weights(), nested.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(flat(clips()), nested(clips()))


@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
def test_initial_weights_depend_on_the_seed_alone(name):
    keras.utils.set_random_seed(1)
    first = models.build(name, clip_shape=SMALL, seed=3).get_weights()
    keras.utils.set_random_seed(2)
    again = models.build(name, clip_shape=SMALL, seed=3).get_weights()
    other = models.build(name, clip_shape=SMALL, seed=4).get_weights()
    for left, right in zip(first, again, strict=True):
        np.testing.assert_array_equal(left, right)
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    kernels = [weight for weight in first if weight.ndim > 1]
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)


@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
@pytest.mark.parametrize("shape", [(1, 8, 8, 1), (2, 9, 15, 3)])
def test_one_frame_one_clip_and_the_smallest_frame(name, shape):
    model = models.build(name, clip_shape=shape, num_classes=2)
    found = model(clips(1, shape))
    assert found.shape == (1, 2)
    np.testing.assert_allclose(np.sum(found), 1, rtol=1e-6)


@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
def test_keras_fit_takes_the_stream(name):
    pairs = dotmotion_tfds.stream(
        config={"frames": 3, "height": 17, "width": 27, "dot_size": 3},
        batch_size=4,
        as_supervised=True,
    ).map(lambda video, label: (models.normalize(video), label))
    model = models.build(name, clip_shape=SMALL)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(pairs, steps_per_epoch=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_normalize_maps_bytes_to_the_unit_interval():
    found = models.normalize(tf.constant([0, 51, 255], tf.uint8))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, [0, 0.2, 1], rtol=1e-6)


@pytest.mark.parametrize("layers", ["fast", "stock"])
@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
def test_sixteen_bits_inside_and_float32_outside(name, layers):
    model = models.build(name, clip_shape=SMALL, layers=layers, precision="mixed_bfloat16")
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
    weighted = {layer.name: layer.compute_dtype for layer in model.layers if layer.weights}
    assert weighted.pop("classifier") == "float32"
    assert set(weighted.values()) == {"bfloat16"}
    expected = models.build(name, clip_shape=SMALL, layers=layers)(clips())
    np.testing.assert_allclose(model(clips()), expected, atol=0.02)


@pytest.mark.parametrize("use_xla", [False, True])
@pytest.mark.parametrize("name", ["cnn_lstm", "conv_lstm"])
def test_with_and_without_xla(name, use_xla):
    found = models.build(name, clip_shape=SMALL, use_xla=use_xla)(clips())
    np.testing.assert_allclose(
        found, models.build(name, clip_shape=SMALL)(clips()), rtol=1e-5
    )


@pytest.mark.parametrize("layers", ["fast", "stock"])
def test_the_activation_of_the_lstm(layers):
    options = {"clip_shape": SMALL, "layers": layers}
    model = models.build("cnn_lstm", lstm_activation="tanh", **options)
    assert model.get_layer("lstm").activation is keras.activations.tanh
    assert not np.allclose(model(clips()), models.build("cnn_lstm", **options)(clips()))


def test_wrong_arguments_are_named():
    with pytest.raises(OptionsError, match="unknown model 'lstm'"):
        models.build("lstm")
    with pytest.raises(OptionsError, match="unknown nesting 'both'"):
        models.build("cnn_lstm", nesting="both")
    with pytest.raises(OptionsError, match="unknown precision 'float8'"):
        models.build("cnn_lstm", precision="float8")
    with pytest.raises(OptionsError, match="unknown lstm_activation 'sine'"):
        models.build("cnn_lstm", lstm_activation="sine")
    with pytest.raises(ValueError, match="use_xla='yes'"):
        models.build("cnn_lstm", use_xla="yes")
    for shape in ((20, 7, 130, 1), (0, 50, 130, 1), (50, 130, 1)):
        with pytest.raises(ValueError, match="clip_shape="):
            models.build("conv_lstm", clip_shape=shape)
