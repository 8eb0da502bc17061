import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainers.layers.comparison import assert_same
from trainers.layers import MaxPooling2D
from trainers.layers.pooling import max_pool


def outcomes(function, frames):
    with tf.GradientTape() as tape:
        tape.watch(frames)
        pooled = function(frames)
        total = tf.reduce_sum(
            pooled * tf.reshape(tf.range(1.0, tf.size(pooled) + 1), pooled.shape)
        )
    return pooled, tape.gradient(total, frames)


@given(
    st.tuples(st.integers(1, 3), st.integers(3, 9), st.integers(3, 9), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    # Few values, so that many are equal: the first of them gets the gradient.
    st.integers(1, 3),
)
@settings(max_examples=50, deadline=None)
def test_outputs_and_gradients_are_tensorflow_s(shape, window, largest):
    values = np.random.default_rng(0).integers(0, largest, size=shape)
    frames = tf.constant(values, tf.float32)
    found = outcomes(lambda frames: max_pool(frames, window), frames)
    expected = outcomes(
        lambda frames: tf.nn.max_pool2d(frames, window, window, "VALID"), frames
    )
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("width", [6, 7, 8, 9])
def test_columns_that_do_not_count(width):
    frames = tf.constant(np.random.default_rng(0).normal(size=(2, 5, 9, 2)), tf.float32)
    found = outcomes(lambda frames: max_pool(frames, (2, 2), width), frames)
    expected = outcomes(
        lambda frames: tf.nn.max_pool2d(frames[:, :, :width], 2, 2, "VALID"), frames
    )
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right)


def test_windows_of_more_places_than_a_byte_can_tell():
    frames = tf.constant(np.random.default_rng(0).normal(size=(1, 40, 40, 1)), tf.float32)
    found = outcomes(lambda frames: max_pool(frames, (20, 20)), frames)
    expected = outcomes(lambda frames: tf.nn.max_pool2d(frames, 20, 20, "VALID"), frames)
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pool_size": (3, 2)},
        {"strides": 1},
        {"padding": "same"},
        {"pool_size": 3, "strides": 2, "padding": "same"},
    ],
)
def test_the_layer_is_keras_s(options):
    inputs = np.random.default_rng(0).normal(size=(2, 7, 9, 3))
    fast, stock = MaxPooling2D(**options), keras.layers.MaxPooling2D(**options)
    assert fast.get_config() == stock.get_config() | {"name": fast.name}
    assert_same(fast, stock, inputs)


def test_frames_of_unknown_size():
    model = keras.Sequential([keras.Input((None, None, 2)), MaxPooling2D(2)])
    frames = np.random.default_rng(0).normal(size=(2, 5, 6, 2)).astype(np.float32)
    np.testing.assert_array_equal(model(frames), keras.layers.MaxPooling2D(2)(frames))


def test_a_graph_without_gradients_does_not_look_for_the_places():
    step = tf.function(lambda frames: max_pool(frames, (2, 2)))
    graph = step.get_concrete_function(tf.TensorSpec((2, 8, 8, 1)))
    result = graph.graph.get_operation_by_name(graph.outputs[0].op.name)
    seen, todo = set(), [result]
    while todo:
        operation = todo.pop()
        seen.add(operation.type)
        todo += [value.op for value in operation.inputs]
    assert not any("PartitionedCall" in kind for kind in seen)
