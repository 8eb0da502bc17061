"""Changes of a serialised pipeline, in place, on a copy of its graph."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2, node_def_pb2
from tensorflow.python.framework import op_def_registry

from benchmarks.doctor import graphs
from benchmarks.doctor.graphs import Pipeline

_NEW = itertools.count()
_PREFETCH, _SHORT = "PrefetchDataset", 4


def edited(pipeline: Pipeline) -> Pipeline:
    """A copy whose graph may be changed in place."""
    graph = graph_pb2.GraphDef()
    graph.CopyFrom(pipeline.graph)
    return dataclasses.replace(pipeline, graph=graph)


def replace_op(
    pipeline: Pipeline,
    tag: str,
    op: str,
    arguments: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> None:
    """Turns one dataset into another kind, in place.

    Args:
      pipeline: of `edited`.
      tag: the dataset.
      op: the new operation. Arguments and attributes that both operations have stay.
      arguments: int64 or bool values of new arguments, by name.
      attributes: values of new attributes, `str`, `bool` or `int`, by name.
    """
    node = pipeline.node_def(tag)
    old = graphs.arguments(node)
    definition = op_def_registry.get(op)
    inputs: list[str] = []
    for argument in definition.input_arg:
        if argument.name in arguments:
            inputs.append(_add_constant(pipeline, arguments[argument.name]))
        else:
            inputs += old.get(argument.name, [])
    controls = [name for name in node.input if name.startswith("^")]
    del node.input[:]
    node.input.extend(inputs + controls)
    node.op = op
    known = {attribute.name: attribute for attribute in definition.attr}
    for name in list(node.attr):
        if name not in known and not name.startswith("_"):
            del node.attr[name]
    for name, attribute in known.items():
        if name in attributes:
            node.attr[name].CopyFrom(_attribute(attributes[name]))
        elif name not in node.attr and attribute.HasField("default_value"):
            node.attr[name].CopyFrom(attribute.default_value)


def set_argument(pipeline: Pipeline, tag: str, argument: str, value: Any) -> None:
    """Gives a dataset's argument another value, in place."""
    node = pipeline.node_def(tag)
    node.input[graphs.position(node, argument)] = _add_constant(pipeline, value)


def with_own_files(pipeline: Pipeline, folder: str) -> Pipeline:
    """The pipeline with its file caches in another place, where there is none yet.

    Args:
      pipeline: which pipeline.
      folder: a directory that is there.
    """
    named = [
        node.tag
        for node in pipeline.nodes
        if node.op.startswith("CacheDataset")
        and (name := pipeline.constant(node.tag, "filename")) is not None
        and name.item()
    ]
    if not named:
        return pipeline
    changed = edited(pipeline)
    for tag in named:
        set_argument(changed, tag, "filename", f"{folder}/cache-{next(_NEW)}")
    return changed


def with_short_buffers(pipeline: Pipeline) -> Pipeline:
    """The pipeline with few elements where it is left to TensorFlow how many to prefetch.

    That number is doubled whenever the buffer is found empty after it was full, as after
    each pause of who takes its elements: pauses were filled with work for up to 3 s.

    Args:
      pipeline: which pipeline. Where it does not end with a prefetch, TensorFlow puts one
        behind it, which is not in its graph: see `prefetched_shortly`.
    """
    changed = edited(pipeline)
    for node in pipeline.nodes:
        if node.op == _PREFETCH and _is_left_to_autotune(pipeline, node.tag):
            set_argument(changed, node.tag, "buffer_size", _SHORT)
    return changed


def prefetched_shortly(dataset: tf.data.Dataset, pipeline: Pipeline) -> tf.data.Dataset:
    """With a short buffer at the end, if TensorFlow would put one there that grows.

    Args:
      dataset: what was built of the pipeline.
      pipeline: which pipeline.
    """
    options = dataset.options()
    is_left_alone = (
        pipeline.nodes[-1].op == _PREFETCH
        or options.autotune.enabled is False
        or options.experimental_optimization.inject_prefetch is False
        or options.experimental_optimization.apply_default_optimizations is False
    )
    return dataset if is_left_alone else dataset.prefetch(_SHORT)


def _is_left_to_autotune(pipeline: Pipeline, tag: str) -> bool:
    size = pipeline.constant(tag, "buffer_size")
    return size is not None and int(size) == tf.data.AUTOTUNE


def has_argument(pipeline: Pipeline, tag: str, argument: str) -> bool:
    """Whether a dataset has an argument of that name."""
    return argument in graphs.arguments(pipeline.node_def(tag))


def _add_constant(pipeline: Pipeline, value: Any) -> str:
    names = {node.name for node in pipeline.graph.node}
    number = len(names)
    while f"Const/new_{number}" in names:
        number += 1
    dtype = {bool: tf.bool, str: tf.string}.get(type(value), tf.int64)
    tensor = tf.make_tensor_proto(value, dtype)
    node = node_def_pb2.NodeDef(name=f"Const/new_{number}", op="Const")
    node.attr["dtype"].type = dtype.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tensor)
    pipeline.graph.node.append(node)
    return str(node.name)


def _attribute(value: Any) -> Any:
    if isinstance(value, bool):
        return attr_value_pb2.AttrValue(b=value)
    if isinstance(value, int):
        return attr_value_pb2.AttrValue(i=value)
    return attr_value_pb2.AttrValue(s=value.encode())
