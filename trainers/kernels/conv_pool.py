"""Convolution, bias, relu and max-pooling of frames in one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from trainers.kernels import library, reference

_ATTRIBUTES = ("pool_rows", "pool_columns", "relu", "keep", "threads")


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
        threads=tf.config.threading.get_intra_op_parallelism_threads(),
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


@tf.RegisterGradient("DotmotionConvPoolFramesGradient")
def _second_gradient_of_frames(op: Any, given: tf.Tensor) -> list[tf.Tensor | None]:
    return _second_gradient(
        op,
        lambda tape, sums, frames, _, outer: [tape.gradient(sums, frames, outer)],
        [given],
    )


@tf.RegisterGradient("DotmotionConvPoolKernelGradient")
def _second_gradient_of_kernel(op: Any, *given: tf.Tensor) -> list[tf.Tensor | None]:
    def gradients(tape: Any, sums: Any, _: Any, kernel: Any, outer: Any) -> list[Any]:
        passed = (
            outer * tf.cast(op.inputs[2] > 0, outer.dtype) if op.get_attr("relu") else outer
        )
        return [tape.gradient(sums, kernel, outer), tf.reduce_sum(passed, (0, 1, 2))]

    return _second_gradient(op, gradients, list(given))


def _second_gradient(
    op: Any, gradients: Callable[..., list[Any]], given: list[tf.Tensor]
) -> list[tf.Tensor | None]:
    """Gradients for the inputs of an operation that computes gradients."""
    frames, kernel, pooled, places, outer = op.inputs
    pool = (op.get_attr("pool_rows"), op.get_attr("pool_columns"))
    with tf.GradientTape() as second:
        second.watch((frames, kernel, outer))
        with tf.GradientTape() as first:
            first.watch((frames, kernel))
            sums = reference.conv_pool(
                frames, kernel, pooled, places, pool=pool, relu=bool(op.get_attr("relu"))
            )
        found = gradients(first, sums, frames, kernel, outer)
    of_frames, of_kernel, of_outer = second.gradient(found, (frames, kernel, outer), given)
    # Which values count does not change with what they are.
    return [of_frames, of_kernel, None, None, of_outer]
