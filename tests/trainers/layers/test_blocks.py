import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.layers import blocks

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))
small_blocks = st.tuples(st.integers(1, 4), st.integers(1, 4))


def random(*shape):
    return np.random.default_rng(0).normal(size=shape)


@given(sizes, small_blocks, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_blocks_are_undone(size, block, channels):
    frames = random(2, *size, channels)
    blocked = blocks.to_blocks(tf.constant(frames), block)
    assert tuple(blocked.shape[1:3]) == blocks.cells(*size, block)
    np.testing.assert_array_equal(blocks.from_blocks(blocked, *size, block), frames)
    inside = blocks.inside(*size, channels, block)
    ones = blocks.to_blocks(tf.ones((1, *size, channels)), block)
    if inside is None:
        assert (ones.numpy() == 1).all()
    else:
        np.testing.assert_array_equal(ones, inside)


@given(sizes, st.tuples(st.integers(1, 8), st.integers(1, 8)), small_blocks)
@settings(max_examples=60, deadline=None)
def test_a_convolution_of_blocks_is_one_of_pixels(size, kernel_size, block):
    frames, kernel = (
        tf.constant(random(2, *size, 2)),
        tf.constant(random(*kernel_size, 2, 6)),
    )
    expected = tf.nn.conv2d(frames, kernel, strides=1, padding="SAME").numpy()
    for gates in (1, 3):
        found = blocks.convolve(
            blocks.to_blocks(frames, block),
            blocks.blocked_kernel(kernel, block, gates),
            kernel_size,
            block,
        )
        by_gate = [
            blocks.from_blocks(gate, *size, block) for gate in tf.split(found, gates, -1)
        ]
        np.testing.assert_allclose(tf.concat(by_gate, -1), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "block", "expected"), [(4, 2, 3), (8, 2, 5), (8, 4, 3), (1, 2, 1), (5, 1, 5)]
)
def test_cells_that_are_read(kernel, block, expected):
    assert blocks.reach(kernel, block).count == expected
