import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers import processor
from trainers.layers.convolution import Convolution


def values(*shape):
    return tf.constant(np.random.default_rng(len(shape)).normal(size=shape))


def assert_same_as_tensorflow(frames, kernel):
    found, expected = [], []
    for results, convolve in (
        (found, lambda: Convolution(kernel, frames.shape[2])(frames)),
        (expected, lambda: tf.nn.conv2d(frames, kernel, 1, "SAME")),
    ):
        with tf.GradientTape() as tape:
            tape.watch((frames, kernel))
            sums = convolve()
            total = tf.reduce_sum(
                sums * tf.reshape(tf.range(tf.size(sums)), sums.shape).numpy()
            )
        results += [sums, *tape.gradient(total, (frames, kernel))]
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9 * np.abs(right).max())


@given(
    st.tuples(
        *[st.integers(1, 3), st.integers(1, 6), st.integers(1, 14), st.integers(1, 6)]
    ),
    st.tuples(*[st.integers(1, 5), st.integers(1, 9), st.integers(1, 6)]),
    st.sampled_from([4, 8, 16]),
)
@settings(max_examples=60, deadline=None)
def test_outputs_and_gradients_are_tensorflow_s(geometry, kernel, lanes):
    rows, columns, filters = kernel
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processor, "float32_lanes", lambda: lanes)
        frames = values(*geometry)
        assert_same_as_tensorflow(frames, values(rows, columns, geometry[-1], filters))


def test_a_gpu_gets_the_convolution_as_it_is(monkeypatch):
    monkeypatch.setattr(processor, "has_gpu", lambda: True)
    convolve = Convolution(values(8, 8, 5, 5), 65)
    assert convolve.row_multiple == 1
    assert_same_as_tensorflow(values(2, 7, 65, 5), values(8, 8, 5, 5))


def test_frames_of_full_cells_are_not_copied(monkeypatch):
    monkeypatch.setattr(processor, "float32_lanes", lambda: 16)
    kernel = values(8, 8, 5, 5)
    assert Convolution(kernel, 65).row_multiple == 3
    graph = tf.function(
        lambda frames: Convolution(kernel, 66)(frames)
    ).get_concrete_function(tf.TensorSpec((None, 25, 66, 5), tf.float64))
    kinds = {operation.type for operation in graph.graph.get_operations()}
    assert "Conv2D" in kinds
    assert not kinds & {"Pad", "PadV2", "StridedSlice", "Slice", "ConcatV2"}


def test_gradients_of_gradients():
    frames, kernel = values(2, 4, 9, 2), values(3, 4, 2, 2)

    def penalty(convolve):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as inner:
                inner.watch(frames)
                total = tf.reduce_sum(convolve() ** 2)
            penalty = tf.reduce_sum(inner.gradient(total, frames) ** 2)
        return outer.gradient(penalty, kernel)

    found = penalty(lambda: Convolution(kernel, 9)(frames))
    expected = penalty(lambda: tf.nn.conv2d(frames, kernel, 1, "SAME"))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
