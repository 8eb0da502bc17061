"""Operations that `tf.vectorized_map` of TensorFlow 2.21 can't convert, though it could.

They work on each value of a tensor by itself, so that a batch of tensors is as good as one;
or look up a table that is the same for all rows.
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
    "EncodeBase64",
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
    "UnicodeTranscode",
)
_GATHER = "GatherNd"


@contextlib.contextmanager
def added() -> Iterator[None]:
    """Lets `tf.vectorized_map` convert them meanwhile."""
    known = pfor._pfor_converter_registry
    original = dict(known)
    for op in _BY_VALUE:
        known.setdefault(op, _by_value)
    if _GATHER in original:
        known[_GATHER] = _gather(original[_GATHER])
    try:
        yield
    finally:
        known.clear()
        known.update(original)


def _by_value(given: Any) -> Any:
    """The same operation on the values of all rows at once."""
    op = given.op
    call = getattr(tf.raw_ops, op.type)
    wanted = inspect.signature(call).parameters
    definition = op_def_registry.get(op.type)
    (argument, *others) = definition.input_arg
    if others:
        raise ValueError(f"{op.type} takes more than one input")
    attributes = {
        attribute.name: op.get_attr(attribute.name)
        for attribute in definition.attr
        if attribute.name in wanted
    }
    value = given.stacked_input(0)
    return pfor.wrap(call(**{argument.name: value}, **attributes), True)


def _gather(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Also for one table for all rows, where TensorFlow wants one for each."""

    def convert(given: Any) -> Any:
        table, indices = given.input(0), given.input(1)
        if table.is_stacked or not indices.is_stacked:
            return original(given)
        return pfor.wrap(tf.gather_nd(table.t, indices.t), True)

    return convert
