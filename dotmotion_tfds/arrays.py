"""The few array operations that clips are made of, and their NumPy version.

The sampler and the renderer are written once against `Arrays`, so that NumPy, eager
TensorFlow, graphs and XLA run the same integer program and agree on every bit. The
TensorFlow version is a module of its own: describing and building the dataset needs none
of TensorFlow's start-up time.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Arrays(Protocol):
    """Operations on arrays of one library; arithmetic and slices come with the arrays."""

    def uint64(self, value: Any) -> Any:
        """Converts integers, reinterpreting int64 modulo 2**64."""

    def int32(self, value: Any) -> Any:
        """Converts integers that fit."""

    def int64(self, value: Any) -> Any:
        """Converts integers, reinterpreting uint64 modulo 2**64."""

    def uint8(self, value: Any) -> Any:
        """Converts integers that fit, or booleans."""

    def bytes_of(self, value: Any) -> Any:
        """The bytes of uint64 values, the least first, uint8 along a new last axis."""

    def shift_right(self, value: Any, bits: int) -> Any:
        """Shifts uint64 values, filling with zeros."""

    def bits_in_common(self, left: Any, right: Any) -> Any:
        """Bitwise and of uint8 values."""

    def xor(self, left: Any, right: Any) -> Any:
        """Exclusive or of uint64 values."""

    def take(self, table: Any, indices: Any) -> Any:
        """Rows of `table` along its first axis."""

    def translate(self, table: Any, values: Any) -> Any:
        """`table[values]` for a uint8 table of 256 entries and uint8 values."""

    def take_pairs(self, table: Any, rows: Any, columns: Any) -> Any:
        """`table[rows, columns]`, element by element."""

    def count_greater(self, value: Any, thresholds: Any) -> Any:
        """How many of the thresholds on the last axis are below each value, int32."""

    def cumulative_sum(self, value: Any) -> Any:
        """Sums along the last axis up to and with each element, int32."""

    def prepend_zero(self, value: Any) -> Any:
        """Puts a zero before each row of a matrix."""

    def minimum(self, left: Any, right: Any) -> Any:
        """The lesser of two, element by element."""

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any:
        """The same values in another shape, of which one length can be -1."""

    def where(self, condition: Any, chosen: Any, otherwise: int) -> Any:
        """Selects element by element; `otherwise` takes the type of `chosen`."""


class _NumpyArrays:
    def uint64(self, value: Any) -> Any:
        return np.asarray(value).astype(np.uint64)

    def int32(self, value: Any) -> Any:
        return np.asarray(value).astype(np.int32)

    def int64(self, value: Any) -> Any:
        return np.asarray(value).astype(np.int64)

    def uint8(self, value: Any) -> Any:
        return np.asarray(value).astype(np.uint8)

    def bytes_of(self, value: Any) -> Any:
        little_endian = np.ascontiguousarray(value).astype("<u8", copy=False)
        return little_endian[..., np.newaxis].view(np.uint8)

    def bits_in_common(self, left: Any, right: Any) -> Any:
        return np.bitwise_and(left, right)

    def shift_right(self, value: Any, bits: int) -> Any:
        return np.right_shift(value, np.uint64(bits))

    def xor(self, left: Any, right: Any) -> Any:
        return np.bitwise_xor(left, right)

    def take(self, table: Any, indices: Any) -> Any:
        return np.take(table, indices, axis=0)

    def translate(self, table: Any, values: Any) -> Any:
        # `table[values]` first makes 8-byte indices of the bytes: ten times slower.
        translated = values.tobytes().translate(table.tobytes())
        return np.frombuffer(translated, np.uint8).reshape(values.shape)

    def take_pairs(self, table: Any, rows: Any, columns: Any) -> Any:
        return table[rows, columns]

    def count_greater(self, value: Any, thresholds: Any) -> Any:
        return (value[..., np.newaxis] > thresholds).sum(axis=-1, dtype=np.int32)

    def cumulative_sum(self, value: Any) -> Any:
        return np.cumsum(value, axis=-1, dtype=np.int32)

    def prepend_zero(self, value: Any) -> Any:
        return np.pad(value, [(0, 0), (1, 0)])

    def minimum(self, left: Any, right: Any) -> Any:
        return np.minimum(left, right)

    def reshape(self, value: Any, shape: tuple[int, ...]) -> Any:
        return np.reshape(value, shape)

    def where(self, condition: Any, chosen: Any, otherwise: int) -> Any:
        return np.where(condition, chosen, chosen.dtype.type(otherwise))


NUMPY: Arrays = _NumpyArrays()
