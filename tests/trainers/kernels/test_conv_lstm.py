import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.trainers.kernels.test_conv_pool import (
    assert_close,
    backgrounds,
    drawn,
    has_clear_choices,
)
from trainers.kernels import reference
from trainers.kernels.conv_lstm import ACTIVATIONS, conv_lstm


def tensors(shape, size, filters, *, states):
    """Sequences, weights and, if wanted, states."""
    batch, _, height, width, channels = shape
    kernel, recurrent = (
        drawn(*size, channels, 4 * filters),
        drawn(*size, filters, 4 * filters),
    )
    # Small enough for a stable recurrence without squashing.
    scale = 0.5 / (size[0] * size[1] * filters)
    given_tensors = [drawn(*shape), scale * kernel, scale * recurrent, drawn(4 * filters)]
    state = drawn(batch, height, width, filters)
    return [*given_tensors, state, 0.5 * state] if states else given_tensors


def outcomes(function, given_tensors, **options):
    with tf.GradientTape() as tape:
        tape.watch(given_tensors)
        states = tuple(given_tensors[4:]) or None
        found = function(*given_tensors[:4], states, **options)
        total = tf.add_n([tf.reduce_sum(value * drawn(*value.shape)) for value in found])
    return [*found, *tape.gradient(total, given_tensors)]


@given(
    st.tuples(
        st.integers(1, 18),
        st.integers(1, 4),
        st.integers(1, 13),
        st.integers(1, 12),
        st.integers(1, 4),
    ),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.integers(1, 6),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(ACTIVATIONS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_outputs_and_gradients_are_tensorflow_s(
    shape, size, filters, pool, activation, all_steps, states, keep
):
    given_tensors = tensors(shape, size, filters, states=states)
    options = {
        "activation": activation,
        "all_steps": all_steps,
        "pool": (min(pool[0], shape[2]), min(pool[1], shape[3])),
    }
    hidden, _ = reference.conv_lstm(
        *given_tensors[:4],
        tuple(given_tensors[4:]) or None,
        **{**options, "all_steps": True, "pool": (1, 1)},
    )
    frames = tf.reshape(hidden, (-1, *hidden.shape[2:]))
    assume(has_clear_choices(frames, options["pool"], relu=False))
    found = outcomes(conv_lstm, given_tensors, keep=keep, **options)
    assert_close(found, outcomes(reference.conv_lstm, given_tensors, **options))


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 16, 17])
def test_few_images_are_cut_into_strips_that_meet(batch):
    # A kernel as high as most strips, and a height that no number of strips divides.
    given_tensors = tensors((batch, 6, 23, 9, 2), (8, 3), 3, states=False)
    options = {"activation": "tanh", "all_steps": True, "pool": (2, 2)}
    found = outcomes(conv_lstm, given_tensors, keep=True, **options)
    assert_close(found, outcomes(reference.conv_lstm, given_tensors, **options))


@pytest.mark.parametrize("states", [False, True])
def test_gradients_of_gradients_are_tensorflow_s(states):
    given_tensors = tensors((2, 3, 6, 5, 2), (3, 3), 2, states=states)

    def squared_gradients(function):
        def of_tensors(*some, **options):
            *some, state = some
            inputs = [*some, *(state or ())]
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = function(*some, state, **options)
                total = tf.add_n([tf.reduce_sum(tf.sin(value)) for value in outputs])
            gradients = tape.gradient(total, inputs)
            return [tf.add_n([tf.reduce_sum(gradient**2) for gradient in gradients])]

        return of_tensors

    options = {"activation": "tanh", "all_steps": True, "pool": (2, 1)}
    found = outcomes(squared_gradients(conv_lstm), given_tensors, keep=True, **options)
    expected = outcomes(squared_gradients(reference.conv_lstm), given_tensors, **options)
    assert_close(found, expected)


@pytest.mark.parametrize("size", [(4, 4), (8, 8)])
def test_on_plain_backgrounds_gradients_go_where_tensorflow_s_go(size):
    _, *weights = tensors((1, 1, 1, 1, 2), size, 3, states=False)
    # One step: TensorFlow's activations round equal values of later ones apart.
    sequences = backgrounds(20, 19, 42, 2)[:, None]
    for activation in ("relu", "tanh"):
        options = {"activation": activation, "all_steps": True, "pool": (2, 2)}
        found = outcomes(conv_lstm, [sequences, *weights], keep=True, **options)
        expected = outcomes(reference.conv_lstm, [sequences, *weights], **options)
        assert_close(found, expected)


def test_no_sequences():
    given_tensors = tensors((0, 3, 6, 5, 2), (3, 3), 2, states=False)
    found = outcomes(conv_lstm, given_tensors, activation="relu", all_steps=True, keep=True)
    assert [tuple(value.shape) for value in found[:3]] == [
        (0, 3, 6, 5, 2),
        (0, 6, 5, 2),
        (0, 3, 6, 5, 2),
    ]
    assert not any(np.any(value) for value in found[3:])


def test_large_sums_saturate_as_they_should():
    sequences = tf.constant([-2000.0, -80, -20, 0, 20, 80, 2000], shape=(1, 1, 1, 7, 1))
    kernel, recurrent = tf.ones((1, 1, 1, 4)), tf.zeros((1, 1, 1, 4))
    for activation in ("tanh", "relu"):
        options = {"activation": activation, "all_steps": True}
        args = (sequences, kernel, recurrent, tf.zeros(4))
        found = conv_lstm(*args, keep=False, **options)
        expected = reference.conv_lstm(*args, None, pool=(1, 1), **options)
        for left, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-30)


def test_an_infinity_in_one_clip_stays_in_it():
    sequences, *weights = tensors((17, 4, 9, 6, 1), (3, 3), 2, states=False)
    poisoned = sequences.numpy()
    poisoned[5, 1, 4, 3] = np.nan
    options = {"activation": "relu", "all_steps": False, "keep": False}
    found, _ = conv_lstm(poisoned, *weights, **options)
    expected, _ = conv_lstm(sequences, *weights, **options)
    others = np.arange(17) != 5
    assert np.isnan(found[5]).any()
    np.testing.assert_array_equal(found.numpy()[others], expected.numpy()[others])


def test_the_same_sums_every_time():
    given_tensors = tensors((5, 4, 9, 12, 2), (3, 3), 3, states=False)
    options = {"activation": "relu", "all_steps": True, "keep": True}
    first = outcomes(conv_lstm, given_tensors, **options)
    for _ in range(3):
        again = outcomes(conv_lstm, given_tensors, **options)
        for left, right in zip(again, first, strict=True):
            np.testing.assert_array_equal(left, right)


def test_a_kernel_for_other_sequences_is_refused():
    sequences, kernel, recurrent, bias = tensors((1, 2, 6, 5, 2), (3, 3), 2, states=False)
    options = {"activation": "relu", "all_steps": True, "keep": True}
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not suit"):
        conv_lstm(sequences, kernel[:, :, :1], recurrent, bias, **options)
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected"):
        conv_lstm(sequences, kernel, recurrent[:, :, :1], bias, **options)
