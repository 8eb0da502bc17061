"""A convolution of which each part is done in the shape that suits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from trainers import processor
from trainers.layers import blocks


class Convolution:
    """A convolution with padding 'same' and stride 1, for as many frames as there are.

    The output, the gradient for the frames and the gradient for the kernel are three
    convolutions with different numbers of channels; each is done between cells of as many
    pixels as suit it (see `blocks`). On a GPU all are done between pixels.

    Attributes:
      row_multiple: frames whose width is a multiple of this are not copied to make cells of
        them.
    """

    def __init__(self, kernel: tf.Tensor, width: int) -> None:
        """Prepares the kernel.

        Args:
          kernel: `[rows, columns, channels, filters]`.
          width: of the frames in pixels.
        """
        rows, columns, channels, filters = kernel.shape
        forward = back = 1
        if not processor.has_gpu():
            lanes = processor.float32_lanes()
            forward = blocks.best_pixels((rows, columns, channels, filters), width, lanes)
            back = blocks.best_pixels((rows, columns, filters, channels), width, lanes)
        self._forward_pixels, self._back_pixels = forward, back
        self.row_multiple = forward if forward == back else 1
        self._forward_kernel = blocks.blocked_kernel(kernel, forward)
        self._back_kernel = self._forward_kernel
        if forward != back:
            self._back_kernel = blocks.blocked_kernel(kernel, back)

    def __call__(self, frames: tf.Tensor) -> tf.Tensor:
        """Convolves.

        Args:
          frames: `[n, height, width, channels]` with a static height, width and channels;
            n is at least 1, as TensorFlow's convolution of nothing has the wrong shape.

        Returns:
          `[n, height, width, filters]`.
        """

        @tf.custom_gradient
        def with_gradient(
            frames: tf.Tensor, kernel: tf.Tensor
        ) -> tuple[tf.Tensor, Callable]:
            def gradient(outer: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                return self._frames_gradient(outer), self._kernel_gradient(frames, outer)

            return self._forward(frames, kernel), gradient

        # Of the blocked kernel, so that many calls share the way back to pixels.
        return with_gradient(frames, self._forward_kernel)

    def _forward(self, frames: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        pixels = self._forward_pixels
        cells = tf.nn.conv2d(_to_cells(frames, pixels), kernel, strides=1, padding="SAME")
        return _from_cells(cells, frames.shape[2], pixels)

    def _frames_gradient(self, outer: tf.Tensor) -> tf.Tensor:
        pixels, width = self._back_pixels, outer.shape[2]
        outer = _to_cells(outer, pixels)
        shape = (*outer.shape[1:3], self._back_kernel.shape[2])
        cells = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.stack([tf.shape(outer)[0], *shape]),
            filter=self._back_kernel,
            out_backprop=outer,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return _from_cells(tf.ensure_shape(cells, (None, *shape)), width, pixels)

    def _kernel_gradient(self, frames: tf.Tensor, outer: tf.Tensor) -> tf.Tensor:
        pixels, shape = self._forward_pixels, tuple(self._forward_kernel.shape)
        gradient = tf.raw_ops.Conv2DBackpropFilter(
            input=_to_cells(frames, pixels),
            filter_sizes=shape,
            out_backprop=_to_cells(outer, pixels),
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return tf.ensure_shape(gradient, shape)


def _to_cells(frames: tf.Tensor, pixels: int) -> tf.Tensor:
    _, height, width, channels = frames.shape
    if pixels == 1:
        return frames
    missing = -width % pixels
    if missing:
        frames = tf.pad(frames, [(0, 0), (0, 0), (0, missing), (0, 0)])
    shape = (-1, height, (width + missing) // pixels, pixels * channels)
    return tf.reshape(frames, shape)


def _from_cells(cells: tf.Tensor, width: int, pixels: int) -> Any:
    if pixels == 1:
        return cells
    _, height, columns, depth = cells.shape
    frames = tf.reshape(cells, (-1, height, columns * pixels, depth // pixels))
    return frames if columns * pixels == width else frames[:, :, :width]
