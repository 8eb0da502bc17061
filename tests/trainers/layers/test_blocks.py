import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.layers import blocks


@given(st.integers(1, 12), st.integers(1, 6))
def test_reach_is_that_of_padding_same(kernel_width, pixels):
    span = blocks.reach(kernel_width, pixels)
    before = (kernel_width - 1) // 2
    touched = {
        (pixel + offset) // pixels
        for pixel in range(pixels)
        for offset in range(-before, kernel_width - before)
    }
    assert touched == set(range(span.first, span.first + span.count))
    assert -span.first == (span.count - 1) // 2


@given(
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
def test_a_convolution_of_cells_is_one_of_pixels(rows, columns, channels, filters, pixels):
    random = np.random.default_rng(0)
    frames = tf.constant(random.normal(size=(2, 5, 3 * pixels, channels)))
    kernel = tf.constant(random.normal(size=(rows, columns, channels, filters)))
    cells = tf.reshape(frames, (2, 5, 3, pixels * channels))
    found = tf.nn.conv2d(cells, blocks.blocked_kernel(kernel, pixels), 1, "SAME")
    expected = tf.nn.conv2d(frames, kernel, 1, "SAME")
    np.testing.assert_allclose(tf.reshape(found, expected.shape), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "width", "lanes", "expected"),
    [
        # Of five filters three pixels fill a register of 16.
        ((8, 8, 5, 5), 65, 16, 3),
        # 130 columns make pairs without a copy; threes would be hardly better.
        ((4, 4, 1, 5), 130, 16, 2),
        ((8, 8, 10, 20), 65, 16, 1),
        ((4, 4, 20, 6), 130, 16, 2),
        ((3, 3, 64, 64), 56, 16, 1),
        ((8, 8, 5, 5), 65, 1, 1),
    ],
)
def test_pixels_of_a_cell(kernel, width, lanes, expected):
    assert blocks.best_pixels(kernel, width, lanes) == expected
