"""Max-pooling that remembers where each maximum was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from trainers import processor
from trainers.processor import UseXla

Size = tuple[int, int]
# A place in a window is kept as one byte.
_MOST_PLACES = 256


def max_pool(
    frames: tf.Tensor,
    window: Size,
    width: int | None = None,
    use_xla: UseXla = "auto",
) -> tf.Tensor:
    """The greatest value of each window; what is left over below and right is dropped.

    The gradient goes to the first of the greatest, row by row, as in TensorFlow, whose
    kernel for it compares with the input again and takes ten times as long on a CPU (90 ms
    for 640 frames of 50 x 130 x 5).

    Args:
      frames: `[n, height, width, channels]` with a static height, width and channels.
      window: height and width in pixels.
      width: how many columns count; all by default. The gradient of the others is zero.
      use_xla: see `processor.wants_xla`; without it the gradient is TensorFlow's.

    Returns:
      `[n, height // window[0], width // window[1], channels]`.
    """
    columns = (frames.shape[2] if width is None else width) // window[1]

    def pool(frames: tf.Tensor) -> tf.Tensor:
        pooled = tf.nn.max_pool2d(frames, window, window, "VALID")
        return pooled if pooled.shape[2] == columns else pooled[:, :, :columns]

    if not processor.wants_xla(use_xla) or window[0] * window[1] > _MOST_PLACES:
        return pool(frames)

    @tf.custom_gradient
    def with_gradient(frames: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        pooled = pool(frames)
        # An operation of its own, which a graph without gradients drops.
        places = _places(frames, pooled, window)

        def gradient(outer: tf.Tensor) -> tf.Tensor:
            return _spread(places, outer, window, tuple(frames.shape[1:]))

        return pooled, gradient

    return with_gradient(frames)


@keras.saving.register_keras_serializable("dotmotion")
class MaxPooling2D(keras.layers.MaxPooling2D):
    """Max-pooling of frames.

    Takes the arguments and inputs of `keras.layers.MaxPooling2D` and gives its outputs and
    gradients; see `max_pool` for what differs. Keras's own computation is used for windows
    that overlap or leave gaps, padding 'same', `data_format='channels_first'` and frames of
    unknown size.

    Input: `[b, height, width, channels]`. Output: `[b, rows, columns, channels]`.
    """

    is_row_by_row = True

    def __init__(self, *args: Any, use_xla: UseXla = "auto", **kwargs: Any) -> None:
        """Creates the layer.

        Args:
          *args: arguments of `keras.layers.MaxPooling2D`.
          use_xla: whether XLA compiles what is done element by element; 'auto' for where
            that was measured to be faster, on a CPU. Not part of the configuration.
          **kwargs: further arguments of `keras.layers.MaxPooling2D`.

        Raises:
          ValueError: if an argument is not usable.
        """
        super().__init__(*args, **kwargs)
        self._use_xla = processor.require_use_xla(use_xla)
        # On a CPU, `fit` would have XLA compile the whole model, into slower convolutions.
        self.supports_jit = processor.has_gpu()

    def call(self, inputs: Any) -> Any:
        """Runs the layer; see the class."""
        if (
            tuple(self.strides) == tuple(self.pool_size)
            and self.padding == "valid"
            and self.data_format == "channels_last"
            and None not in inputs.shape[1:]
        ):
            return max_pool(inputs, tuple(self.pool_size), use_xla=self._use_xla)
        return super().call(inputs)


@tf.function(jit_compile=True, autograph=False)
def _places(frames: tf.Tensor, pooled: tf.Tensor, window: Size) -> tf.Tensor:
    """Where in its window each maximum is, uint8 in the shape of `pooled`."""
    rows, columns = pooled.shape[1] * window[0], pooled.shape[2] * window[1]
    last = window[0] * window[1] - 1
    places = tf.fill(tf.shape(pooled), tf.constant(last, tf.uint8))
    for place in range(last - 1, -1, -1):
        row, column = divmod(place, window[1])
        values = frames[:, row : rows : window[0], column : columns : window[1]]
        places = tf.where(values == pooled, tf.constant(place, tf.uint8), places)
    return places


@tf.function(jit_compile=True, autograph=False)
def _spread(
    places: tf.Tensor, outer: tf.Tensor, window: Size, shape: tuple[int, int, int]
) -> tf.Tensor:
    """Puts each value of `outer` at its place in a window of zeros."""
    height, width, channels = shape
    rows, columns = outer.shape[1:3]
    own = tf.reshape(tf.range(window[0] * window[1]), (1, 1, window[0], 1, window[1], 1))
    spread = tf.where(
        places[:, :, None, :, None] == tf.cast(own, tf.uint8),
        outer[:, :, None, :, None],
        tf.zeros((), outer.dtype),
    )
    frames = tf.reshape(spread, (-1, rows * window[0], columns * window[1], channels))
    below, right = height - rows * window[0], width - columns * window[1]
    return tf.pad(frames, [(0, 0), (0, below), (0, right), (0, 0)])
