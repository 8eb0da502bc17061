"""The TensorFlow version of the array operations that clips are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from dotmotion_tfds.arrays import Arrays


class _TensorFlowArrays:
    def uint64(self, value: Any) -> Any:
        if not tf.is_tensor(value):
            return tf.constant(np.asarray(value).astype(np.uint64))
        return tf.cast(value, tf.uint64)

    def int32(self, value: Any) -> Any:
        return tf.cast(value, tf.int32)

    def int64(self, value: Any) -> Any:
        return tf.cast(value, tf.int64)

    def uint8(self, value: Any) -> Any:
        return tf.cast(value, tf.uint8)

    def bytes_of(self, value: Any) -> Any:
        return tf.bitcast(value, tf.uint8)

    def bits_in_common(self, left: Any, right: Any) -> Any:
        return tf.bitwise.bitwise_and(left, right)

    def shift_right(self, value: Any, bits: int) -> Any:
        return tf.bitwise.right_shift(value, tf.constant(bits, tf.uint64))

    def xor(self, left: Any, right: Any) -> Any:
        return tf.bitwise.bitwise_xor(left, right)

    def take(self, table: Any, indices: Any) -> Any:
        return tf.gather(table, indices)

    def translate(self, table: Any, values: Any) -> Any:
        return tf.gather(table, tf.cast(values, tf.int32))

    def take_pairs(self, table: Any, rows: Any, columns: Any) -> Any:
        return tf.gather_nd(table, tf.stack([rows, columns], axis=-1))

    def count_greater(self, value: Any, thresholds: Any) -> Any:
        above = tf.greater(value[..., tf.newaxis], thresholds)
        return tf.reduce_sum(tf.cast(above, tf.int32), axis=-1)

    def cumulative_sum(self, value: Any) -> Any:
        return tf.cumsum(value, axis=-1)

    def prepend_zero(self, value: Any) -> Any:
        return tf.pad(value, [(0, 0), (1, 0)])

    def minimum(self, left: Any, right: Any) -> Any:
        return tf.minimum(left, right)

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any:
        return tf.reshape(value, shape)

    def where(self, condition: Any, chosen: Any, otherwise: int) -> Any:
        return tf.where(condition, chosen, tf.constant(otherwise, chosen.dtype))


TENSORFLOW: Arrays = _TensorFlowArrays()
