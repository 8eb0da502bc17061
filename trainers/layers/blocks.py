"""Convolutions on blocks of pixels: the same sums with fuller vector registers.

Five channels use a fraction of a processor's vector lanes. Space to depth turns a block of
2 x 2 pixels into one cell with four times the channels, and a convolution of pixels into
one of cells whose kernel holds the old one once for each place in the block. It costs
multiplications by zero (1.56 times as many for a kernel of 8 x 8 and blocks of 2 x 2, 2.25
times for 4 x 4) and saves more where channels are few.

Cells are laid out row, column, channel: place (u, v) of a block of height m and width n
and channel c is channel (u * n + v) * channels + c of the cell.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf

Size = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Reach:
    """Which cells along one axis a cell of the output depends on.

    Attributes:
      first: offset of the first one, not positive.
      count: how many there are.
    """

    first: int
    count: int

    @property
    def padding(self) -> Size:
        """Cells of padding before and after the axis that keep its length."""
        return (-self.first, self.first + self.count - 1)


def reach(kernel: int, block: int) -> Reach:
    """The reach of a convolution with padding 'same' and stride 1.

    Args:
      kernel: its length along the axis in pixels, at least 1.
      block: the block's length along the axis in pixels, at least 1.
    """
    before = (kernel - 1) // 2
    first = -((before + block - 1) // block)
    last = (kernel - 1 - before + block - 1) // block
    return Reach(first, last - first + 1)


def blocked_kernel(kernel: tf.Tensor, block: Size, gates: int = 1) -> tf.Tensor:
    """The kernel between cells that does what `kernel` does between pixels.

    Args:
      kernel: `[height, width, channels, gates * filters]` of a convolution with padding
        'same' and stride 1.
      block: height and width of the blocks in pixels.
      gates: parts of the output that stay apart: a cell's channels come gate by gate, and
        in each gate place by place.

    Returns:
      `[rows, columns, m * n * channels, gates * m * n * filters]`.
    """
    height, width, channels, outputs = kernel.shape
    rows, columns = (
        _places(length, size) for length, size in zip((height, width), block, strict=True)
    )
    by_gate = tf.reshape(kernel, (height, width, channels, gates, outputs // gates))
    # Exact: every sum has at most one term that is not zero.
    spread = tf.einsum(
        "puai,ijcgf,qvbj->pquvcgabf",
        tf.constant(rows, kernel.dtype),
        by_gate,
        tf.constant(columns, kernel.dtype),
    )
    cell = block[0] * block[1]
    return tf.reshape(
        spread, (rows.shape[0], columns.shape[0], cell * channels, cell * outputs)
    )


def to_blocks(frames: tf.Tensor, block: Size) -> tf.Tensor:
    """Space to depth, padding the frames below and on the right with zeros.

    Args:
      frames: `[n, height, width, channels]` with a static height, width and channels.
      block: height and width of the blocks in pixels.

    Returns:
      `[n, ceil(height / m), ceil(width / n), m * n * channels]`.
    """
    _, height, width, channels = frames.shape
    rows, columns = cells(height, width, block)
    missing = rows * block[0] - height, columns * block[1] - width
    if any(missing):
        frames = tf.pad(frames, [(0, 0), (0, missing[0]), (0, missing[1]), (0, 0)])
    if block[0] == block[1]:
        return frames if block == (1, 1) else tf.nn.space_to_depth(frames, block[0])
    split = tf.reshape(frames, (-1, rows, block[0], columns, block[1], channels))
    moved = tf.transpose(split, (0, 1, 3, 2, 4, 5))
    return tf.reshape(moved, (-1, rows, columns, block[0] * block[1] * channels))


def from_blocks(blocked: tf.Tensor, height: int, width: int, block: Size) -> tf.Tensor:
    """Undoes `to_blocks`, dropping what it had padded.

    Args:
      blocked: `[n, rows, columns, m * n * channels]`.
      height: of the frames in pixels.
      width: likewise.
      block: height and width of the blocks in pixels.

    Returns:
      `[n, height, width, channels]`.
    """
    _, rows, columns, depth = blocked.shape
    channels = depth // (block[0] * block[1])
    if block[0] == block[1]:
        frames = blocked if block == (1, 1) else tf.nn.depth_to_space(blocked, block[0])
    else:
        split = tf.reshape(blocked, (-1, rows, columns, *block, channels))
        moved = tf.transpose(split, (0, 1, 3, 2, 4, 5))
        frames = tf.reshape(moved, (-1, rows * block[0], columns * block[1], channels))
    return frames[:, :height, :width]


def cells(height: int, width: int, block: Size) -> Size:
    """Rows and columns of cells that hold a frame."""
    return -(-height // block[0]), -(-width // block[1])


def convolve(blocked: tf.Tensor, kernel: tf.Tensor, pixels: Size, block: Size) -> tf.Tensor:
    """A convolution between cells, with padding 'same' between pixels.

    Args:
      blocked: `[n, rows, columns, m * n * channels]`, zero where it was padded; n is at
        least 1, as TensorFlow's convolution of nothing has the wrong shape.
      kernel: as `blocked_kernel` gives it.
      pixels: height and width of the kernel between pixels.
      block: height and width of the blocks in pixels.

    Returns:
      `[n, rows, columns, gates * m * n * filters]`.
    """
    padding = [reach(*lengths).padding for lengths in zip(pixels, block, strict=True)]
    return tf.nn.conv2d(blocked, kernel, strides=1, padding=[(0, 0), *padding, (0, 0)])


def inside(height: int, width: int, channels: int, block: Size) -> np.ndarray | None:
    """Which places of cells lie in the frame.

    Returns:
      bool `[1, rows, columns, m * n * channels]`, or None if all do.
    """
    rows, columns = cells(height, width, block)
    if (rows * block[0], columns * block[1]) == (height, width):
        return None
    row = np.arange(rows)[:, np.newaxis] * block[0] + np.arange(block[0]) < height
    column = np.arange(columns)[:, np.newaxis] * block[1] + np.arange(block[1]) < width
    both = row[:, np.newaxis, :, np.newaxis] & column[np.newaxis, :, np.newaxis, :]
    return np.repeat(both.reshape(1, rows, columns, -1), channels, axis=-1)


@functools.lru_cache(maxsize=64)
def _places(kernel: int, block: int) -> Any:
    """Where each weight along one axis goes.

    Returns:
      `[cells, block, block, kernel]` of 0 and 1: the offset of the cell that is read, the
      place in it, the place that is written, and the weight.
    """
    span = reach(kernel, block)
    before = (kernel - 1) // 2
    offset = (np.arange(span.count) + span.first)[:, None, None, None] * block
    read = np.arange(block)[:, None, None]
    written = np.arange(block)[:, None]
    return (np.arange(kernel) == offset + read - written + before).astype(np.float32)
