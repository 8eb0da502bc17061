"""Convolutions of a few channels as convolutions of a few pixels side by side.

A convolution with 5 filters fills 5 of the 16 lanes of a vector register. Taking n
neighbouring pixels of a row for one cell with n times the channels is only another shape
for the same bytes, and makes of it a convolution with n times the filters, whose kernel
holds the old one once for each place in the cell. This costs multiplications by zero
(1.25 times as many for 8 columns and 2 pixels, 1.5 for 3 pixels) and saves more as long as
lanes were empty.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf

# With more pixels the zeros always outweigh the lanes that are filled.
_MOST_PIXELS = 4
# Copying a value takes as long as this many multiplications: 0.5 ns against 9 ps.
_COPY_COST = 50


@dataclasses.dataclass(frozen=True)
class Reach:
    """Which cells along a row a cell of the output depends on.

    Attributes:
      first: offset of the first one, not positive.
      count: how many there are. Half of them, rounded down, less one if they are even,
        come before the cell itself: padding 'same' between pixels is 'same' between cells.
    """

    first: int
    count: int


def reach(kernel_width: int, pixels: int) -> Reach:
    """The reach of a convolution with padding 'same' and stride 1.

    Args:
      kernel_width: its columns, at least 1.
      pixels: of a cell, at least 1.
    """
    before = (kernel_width - 1) // 2
    after = kernel_width - 1 - before
    first, last = -before // pixels, -(-after // pixels)
    return Reach(first, last - first + 1)


def best_pixels(kernel: tuple[int, int, int, int], width: int, lanes: int) -> int:
    """How many pixels a cell should have.

    Compares the multiplications there are, those by zero and in empty lanes included, and
    what it costs to copy frames whose width is no multiple of the cell's. On two Zen 4
    cores the times of kernels of 4 x 4 and 8 x 8 between 1 to 20 channels follow this
    number to about a tenth.

    Args:
      kernel: rows, columns, channels of the input and channels of the output, at least 1.
      width: of the frames in pixels, at least 1.
      lanes: values in a vector register, at least 1.
    """
    rows, columns, channels, filters = kernel

    def cost(pixels: int) -> int:
        """Of a row, in multiplications of one lane."""
        in_lanes = -(-filters * pixels // lanes) * lanes
        cells = -(-width // pixels)
        taps = rows * reach(columns, pixels).count * pixels * channels
        copies = width * (channels + filters) if width % pixels else 0
        return taps * in_lanes * cells + copies * _COPY_COST

    return min(range(1, _MOST_PIXELS + 1), key=cost)


def blocked_kernel(kernel: tf.Tensor, pixels: int) -> tf.Tensor:
    """The kernel between cells that does what `kernel` does between pixels.

    Args:
      kernel: `[rows, columns, channels, filters]` of a convolution with padding 'same' and
        stride 1.
      pixels: of a cell.

    Returns:
      `[rows, cells, pixels * channels, pixels * filters]`; `kernel` itself for 1 pixel.
    """
    if pixels == 1:
        return kernel
    rows, columns, channels, filters = kernel.shape
    places = tf.constant(_places(columns, pixels), kernel.dtype)
    # Exact: every sum has at most one term that is not zero.
    spread = tf.einsum("ijcf,qvbj->iqvcbf", kernel, places)
    return tf.reshape(spread, (rows, -1, pixels * channels, pixels * filters))


@functools.lru_cache(maxsize=64)
def _places(kernel_width: int, pixels: int) -> np.ndarray:
    """Where each weight of a row goes.

    Returns:
      `[cells, pixels, pixels, columns]` of 0 and 1: the offset of the cell that is read,
      the place in it, the place that is written, and the weight.
    """
    span = reach(kernel_width, pixels)
    before = (kernel_width - 1) // 2
    offset = (np.arange(span.count) + span.first)[:, None, None, None] * pixels
    read = np.arange(pixels)[:, None, None]
    written = np.arange(pixels)[:, None]
    return (np.arange(kernel_width) == offset + read - written + before).astype(np.float32)
