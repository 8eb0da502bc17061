import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trainers.kernels.conv_pool import conv_pool


def drawn(*shape):
    random = np.random.default_rng(sum(shape))
    return tf.constant(random.normal(size=shape).astype(np.float32))


def by_tensorflow(frames, kernel, bias, *, pool, relu):
    sums = tf.nn.conv2d(frames, kernel, 1, "SAME") + bias
    sums = tf.nn.relu(sums) if relu else sums
    return tf.nn.max_pool2d(sums, pool, pool, "VALID")


def outcomes(function, *given_tensors, **options):
    with tf.GradientTape() as tape:
        tape.watch(given_tensors)
        found = function(*given_tensors, **options)
        total = tf.reduce_sum(found * drawn(*found.shape))
    return [found, *tape.gradient(total, given_tensors)]


def assert_close(found, expected):
    # Gradients are sums over outputs, of terms around 1 that may cancel each other.
    floor = 1e-2 * np.sqrt(np.size(expected[0]))
    for left, right in zip(found, expected, strict=True):
        assert left.shape == right.shape
        scale = np.abs(right).max(initial=0)
        np.testing.assert_allclose(left, right, rtol=0, atol=2e-5 * (floor + scale))


def has_clear_choices(sums, pool, *, relu):
    """Whether rounding can't change what pooling, and relu before it, let pass."""
    values = tf.nn.relu(sums) if relu else sums
    _, height, width, _ = values.shape
    rows = [values[:, n : height - height % pool[0] : pool[0]] for n in range(pool[0])]
    of_windows = [
        row[:, :, n : width - width % pool[1] : pool[1]]
        for row in rows
        for n in range(pool[1])
    ]
    ordered = np.sort(np.stack(of_windows), axis=0)
    margin = 1e-6 * np.abs(sums).max(initial=0)
    if relu and np.any(np.abs(sums) < margin):
        return False
    # What relu stops is equal, and then the first counts.
    leads = np.diff(ordered, axis=0)[-1:]
    return not np.any((leads > 0) & (leads < margin))


def backgrounds(count, height, width, channels):
    """Plain frames, half of them black, with a bright dot each, away from the sides."""
    frames = np.zeros((count, height, width, channels), np.float32)
    frames[::2] = drawn(channels)
    for n, frame in enumerate(frames):
        frame[n * 3 % height, 12 + n * 5 % (width - 24)] = 1
    return tf.constant(frames)


@given(
    # Up to three images in a register, and as many as do not fill a second one.
    st.tuples(
        st.integers(1, 33), st.integers(2, 19), st.integers(2, 23), st.integers(1, 7)
    ),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 13),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_outputs_and_gradients_are_tensorflow_s(shape, size, filters, pool, relu, keep):
    tensors = drawn(*shape), drawn(*size, shape[3], filters), drawn(filters)
    sums = tf.nn.conv2d(*tensors[:2], 1, "SAME") + tensors[2]
    assume(has_clear_choices(sums, pool, relu=relu))
    found = outcomes(conv_pool, *tensors, pool=pool, relu=relu, keep=keep)
    assert_close(found, outcomes(by_tensorflow, *tensors, pool=pool, relu=relu))


@pytest.mark.parametrize("pool", [(1, 1), (2, 2), (3, 1)])
def test_gradients_of_gradients_are_tensorflow_s(pool):
    tensors = drawn(3, 7, 9, 2), drawn(3, 3, 2, 4), drawn(4)

    def squared_gradients(function, *given_tensors):
        with tf.GradientTape() as tape:
            tape.watch(given_tensors)
            total = tf.reduce_sum(tf.sin(function(*given_tensors, pool=pool, relu=True)))
        gradients = tape.gradient(total, given_tensors)
        return tf.add_n([tf.reduce_sum(gradient**2) for gradient in gradients])

    found = outcomes(lambda *given: squared_gradients(conv_pool, *given), *tensors)
    expected = outcomes(lambda *given: squared_gradients(by_tensorflow, *given), *tensors)
    assert_close(found, expected)


def test_no_images():
    tensors = drawn(0, 6, 5, 2), drawn(3, 3, 2, 4), drawn(4)
    found = outcomes(conv_pool, *tensors, pool=(2, 2), relu=True)
    assert [tuple(value.shape) for value in found[:2]] == [(0, 3, 2, 4), (0, 6, 5, 2)]
    assert not np.any(found[2])
    assert not np.any(found[3])


def test_of_equal_values_the_first_one_counts():
    frames, kernel, bias = tf.ones((1, 4, 4, 1)), tf.ones((1, 1, 1, 1)), tf.zeros(1)
    _, gradient, *_ = outcomes(conv_pool, frames, kernel, bias, pool=(2, 2))
    np.testing.assert_array_equal(gradient[0, 1::2], 0)
    np.testing.assert_array_equal(gradient[0, :, 1::2], 0)
    assert np.all(gradient[0, ::2, ::2])


@pytest.mark.parametrize("size", [(3, 3), (4, 4), (8, 8), (5, 7)])
@pytest.mark.parametrize("has_bias", [False, True])
def test_on_plain_backgrounds_gradients_go_where_tensorflow_s_go(size, has_bias):
    # Most windows have equal values, and without a bias most sums are zero.
    tensors = backgrounds(20, 19, 42, 2), drawn(*size, 2, 5), has_bias * drawn(5)
    found = outcomes(conv_pool, *tensors, pool=(2, 2), relu=True)
    assert_close(found, outcomes(by_tensorflow, *tensors, pool=(2, 2), relu=True))


def test_what_is_not_a_number_stays_so():
    frames = np.zeros((2, 4, 6, 1), np.float32)
    frames[1, 2, 3] = np.nan
    for relu in (False, True):
        found = conv_pool(
            frames, tf.ones((1, 1, 1, 1)), tf.zeros(1), pool=(2, 2), relu=relu
        )
        assert np.isnan(found[1, 1, 1, 0])
        assert np.isnan(found).sum() == 1


@pytest.mark.parametrize("keep", [False, True])
def test_a_graph_takes_any_number_of_images(keep):
    @tf.function(input_signature=[tf.TensorSpec((None, 6, 5, 2))])
    def gradient(frames):
        with tf.GradientTape() as tape:
            tape.watch(frames)
            pooled = conv_pool(frames, kernel, bias, pool=(2, 2), keep=keep)
            assert pooled.shape.as_list() == [None, 3, 2, 4]
        return tape.gradient(pooled, frames)

    kernel, bias = drawn(3, 3, 2, 4), drawn(4)
    for count in (1, 20):
        assert gradient(drawn(count, 6, 5, 2)).shape == (count, 6, 5, 2)


def test_a_kernel_for_other_frames_is_refused():
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="3 channels, the frames have 2"
    ):
        conv_pool(drawn(1, 6, 5, 2), drawn(3, 3, 3, 4), drawn(4))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"shape \[5\], expected \[4\]"
    ):
        conv_pool(drawn(1, 6, 5, 2), drawn(3, 3, 2, 4), drawn(5))
