"""What the kernels compute, in TensorFlow's operations.

Slower, and differentiable as often as wanted: the kernels have gradients, and the gradients
of those come from here.
"""

from __future__ import annotations

import tensorflow as tf

_ACTIVATIONS = {"linear": tf.identity, "relu": tf.nn.relu, "tanh": tf.tanh}


def conv_pool(
    frames: tf.Tensor,
    kernel: tf.Tensor,
    pooled: tf.Tensor,
    places: tf.Tensor,
    *,
    pool: tuple[int, int],
    relu: bool,
) -> tf.Tensor:
    """Convolved and pooled frames, without bias, where it is known which values count.

    Args:
      frames: `[n, height, width, channels]`.
      kernel: `[rows, columns, channels, filters]`.
      pooled: what `conv_pool.conv_pool` gave, `[n, height // pool[0], width // pool[1],
        filters]`; relu let pass what is positive here.
      places: uint8 of the same shape, the number in its window of each value; not looked at
        without pooling.
      pool: rows and columns of the windows.
      relu: whether relu was applied.

    Returns:
      A tensor of the shape of `pooled`, linear in `frames` and `kernel`.
    """
    sums = tf.nn.conv2d(frames, kernel, 1, "SAME")
    if pool != (1, 1):
        _, height, width, filters = pooled.shape
        sums = sums[:, : height * pool[0], : width * pool[1]]
        windows = tf.reshape(sums, (-1, height, pool[0], width, pool[1], filters))
        windows = tf.transpose(windows, (0, 1, 3, 2, 4, 5))
        windows = tf.reshape(windows, (-1, height, width, pool[0] * pool[1], filters))
        counts = tf.one_hot(tf.cast(places, tf.int32), pool[0] * pool[1], axis=3)
        sums = tf.reduce_sum(windows * counts, axis=3)
    return sums * tf.cast(pooled > 0, sums.dtype) if relu else sums


def conv_lstm(
    sequences: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor] | None,
    *,
    activation: str,
    all_steps: bool,
    pool: tuple[int, int],
) -> tuple[tf.Tensor, tf.Tensor]:
    """As `conv_lstm.conv_lstm`, which see, for a static number of steps."""
    activate = _ACTIVATIONS[activation]
    from_input = tf.unstack(
        tf.map_fn(lambda frames: tf.nn.conv2d(frames, kernel, 1, "SAME"), sequences), axis=1
    )
    if states is None:
        filters = recurrent.shape[2]
        hidden = carry = tf.zeros_like(from_input[0][..., :filters])
    else:
        hidden, carry = states
    outputs = []
    for sums in from_input:
        sums += tf.nn.conv2d(hidden, recurrent, 1, "SAME") + bias
        enters, forgets, candidate, leaves = tf.split(sums, 4, axis=-1)
        carry = tf.sigmoid(forgets) * carry + tf.sigmoid(enters) * activate(candidate)
        hidden = tf.sigmoid(leaves) * activate(carry)
        outputs.append(tf.nn.max_pool2d(hidden, pool, pool, "VALID"))
    return tf.stack(outputs, 1) if all_steps else outputs[-1], carry
