"""Operations that `tf.vectorized_map` of TensorFlow 2.21 can't convert, though it could.

They work on each value of a tensor by itself, so that a batch of tensors is as good as one;
take batches of pictures anyway; or look up a table that is the same for all rows.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry
from tensorflow.python.ops.parallel_for import pfor

_BY_VALUE = (
    "AsString",
    "DecodeBase64",
    "DecodeCompressed",
    "DecodeJSONExample",
    "DecodePaddedRaw",
    "DecodeRaw",
    "EncodeBase64",
    "HSVToRGB",
    "RGBToHSV",
    "RegexFullMatch",
    "RegexReplace",
    "StaticRegexFullMatch",
    "StaticRegexReplace",
    "StringLength",
    "StringLower",
    "StringStrip",
    "StringToHashBucket",
    "StringToHashBucketFast",
    "StringToHashBucketStrong",
    "StringToNumber",
    "StringUpper",
    "Substr",
    "UnicodeTranscode",
)
_OF_PICTURES = ("ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor")
_JOIN = "StringJoin"
_GATHER, _LOOKUP, _BINS = "GatherNd", "LookupTableFindV2", "DenseBincount"


@contextlib.contextmanager
def added() -> Iterator[None]:
    """Lets `tf.vectorized_map` convert them meanwhile."""
    known = pfor._pfor_converter_registry
    original = dict(known)
    for op in _BY_VALUE:
        known.setdefault(op, _by_value)
    for op in _OF_PICTURES:
        known.setdefault(op, _of_pictures)
    known.setdefault(_JOIN, _join)
    known.setdefault(_LOOKUP, _lookup)
    known.setdefault(_BINS, _count_values)
    if _GATHER in original:
        known[_GATHER] = _gather(original[_GATHER])
    try:
        yield
    finally:
        known.clear()
        known.update(original)


def _by_value(given: Any) -> Any:
    """The same operation on the values of all rows at once."""
    return pfor.wrap(_called(given, given.stacked_input(0)), True)


def _of_pictures(given: Any) -> Any:
    """The same operation on the pictures of all rows as one batch."""
    batches = given.stacked_input(0)
    shape = tf.shape(batches)
    found = _called(given, tf.reshape(batches, tf.concat([[-1], shape[2:]], 0)))
    return pfor.wrap(
        tf.reshape(found, tf.concat([shape[:2], tf.shape(found)[1:]], 0)), True
    )


def _called(given: Any, first: tf.Tensor) -> tf.Tensor:
    """An operation with another first input; the others are the same for all rows."""
    op = given.op
    call = getattr(tf.raw_ops, op.type)
    wanted = inspect.signature(call).parameters
    definition = op_def_registry.get(op.type)
    attributes = {
        attribute.name: op.get_attr(attribute.name)
        for attribute in definition.attr
        if attribute.name in wanted
    }
    name, *others = (argument.name for argument in definition.input_arg)
    inputs = {
        other: given.unstacked_input(number) for number, other in enumerate(others, start=1)
    }
    return call(**{name: first}, **inputs, **attributes)


def _join(given: Any) -> Any:
    """The texts of all rows joined; a single one goes to each text of its row."""
    given.stack_inputs()
    rows = [given.stacked_input(number) for number in range(given.num_inputs)]
    whole = max(rows, key=lambda each: each.shape.rank)
    texts = [
        tf.broadcast_to(
            tf.reshape(each, [-1] + [1] * (whole.shape.rank - 1)), tf.shape(whole)
        )
        if each.shape.rank < whole.shape.rank
        else each
        for each in rows
    ]
    return pfor.wrap(tf.strings.join(texts, given.op.get_attr("separator").decode()), True)


def _lookup(given: Any) -> Any:
    """Keys of all rows in one table, which is no table of vectors."""
    table, default = given.unstacked_input(0), given.unstacked_input(2)
    keys = given.stacked_input(1)
    if default.shape.rank != 0:
        raise ValueError(f"a table of values of shape {default.shape}")
    found = tf.raw_ops.LookupTableFindV2(
        table_handle=table, keys=keys, default_value=default
    )
    return pfor.wrap(tf.ensure_shape(found, keys.shape), True)


def _count_values(given: Any) -> Any:
    """Bins of the values of each row, of which all rows have as many."""
    values, sizes, weights = (given.input(number) for number in range(3))
    rows = given.stacked_input(0)
    has_weights = weights.t.shape.num_elements() != 0
    if rows.shape.rank != 2 or (has_weights and not weights.is_stacked):
        raise ValueError(f"values of shape {values.t.shape}, weights {weights.t.shape}")
    size = sizes.t
    if sizes.is_stacked:
        size = tf.reduce_max(sizes.t)
        with tf.control_dependencies([tf.debugging.assert_equal(sizes.t, size)]):
            size = tf.identity(size)
    found = tf.raw_ops.DenseBincount(
        input=rows,
        size=size,
        weights=weights.t,
        binary_output=given.get_attr("binary_output"),
    )
    return pfor.wrap(found, True)


def _gather(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Also for one table for all rows, where TensorFlow wants one for each."""

    def convert(given: Any) -> Any:
        table, indices = given.input(0), given.input(1)
        if table.is_stacked or not indices.is_stacked:
            return original(given)
        return pfor.wrap(tf.gather_nd(table.t, indices.t), True)

    return convert
