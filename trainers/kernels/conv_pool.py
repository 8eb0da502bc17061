"""Convolution, bias, relu and max-pooling of frames in one operation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from trainers.kernels import library

_ATTRIBUTES = ("pool_rows", "pool_columns", "relu", "keep")


def conv_pool(
    frames: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    *,
    pool: tuple[int, int] = (1, 1),
    relu: bool = False,
    keep: bool = True,
) -> tf.Tensor:
    """Convolves with padding 'same' and stride 1, adds a bias, and pools.

    To be called where `usable.is_usable`.

    Args:
      frames: float32 `[n, height, width, channels]` with a static height, width and
        channels, at least as large as `pool`.
      kernel: float32 `[rows, columns, channels, filters]`.
      bias: float32 `[filters]`.
      pool: rows and columns of the windows to take the greatest value of.
      relu: whether to apply relu.
      keep: whether to keep what the gradient needs; without it, the gradient computes it
        again.

    Returns:
      float32 `[n, height // pool[0], width // pool[1], filters]`.
    """
    pooled, _ = library.load().ops.dotmotion_conv_pool(
        frames,
        kernel,
        bias,
        pool_rows=pool[0],
        pool_columns=pool[1],
        relu=int(relu),
        keep=int(keep),
    )
    count, height, width, _ = frames.shape
    pooled.set_shape((count, height // pool[0], width // pool[1], kernel.shape[3]))
    return pooled


@tf.RegisterGradient("DotmotionConvPool")
def _gradient(op: Any, of_pooled: tf.Tensor, _: Any) -> list[tf.Tensor]:
    ops = library.load().ops
    frames, kernel, bias = op.inputs
    pooled, places = op.outputs
    attributes = {name: op.get_attr(name) for name in _ATTRIBUTES}
    if not attributes["keep"]:
        attributes["keep"] = 1
        pooled, places = ops.dotmotion_conv_pool(frames, kernel, bias, **attributes)
    given = (frames, kernel, pooled, places, of_pooled)
    # Two operations: a graph drops the first where nobody asks for it, as for video.
    of_frames = ops.dotmotion_conv_pool_frames_gradient(*given, **attributes)
    of_frames.set_shape(frames.shape)
    of_kernel, of_bias = ops.dotmotion_conv_pool_kernel_gradient(*given, **attributes)
    of_kernel.set_shape(kernel.shape)
    of_bias.set_shape(bias.shape)
    return [of_frames, of_kernel, of_bias]
