"""A dataset of a serialised pipeline, of a part of it, or with another one in its place.

A graph becomes a dataset again by importing it into a function that returns the dataset's
variant. That is in the stock wheel of TensorFlow 2.21, and private: everything that leans
on it is in this module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.python.data.ops import dataset_ops

from benchmarks.doctor import graphs
from benchmarks.doctor.graphs import GraphError, Pipeline


def build(
    pipeline: Pipeline,
    tag: str | None = None,
    feeds: Mapping[str, tf.data.Dataset] | None = None,
) -> tf.data.Dataset:
    """Makes a dataset of a pipeline, or of a part of it.

    Args:
      pipeline: what to make.
      tag: the last dataset to include; all of them if None.
      feeds: datasets that take the place of some, by tag.

    Returns:
      A dataset that keeps alive what it needs.

    Raises:
      GraphError: if TensorFlow does not take the graph.
    """
    feeds = feeds or {}
    end = pipeline.output if tag is None else pipeline.node_def(tag).name
    fed = {pipeline.node_def(each).name: dataset for each, dataset in feeds.items()}
    spec = pipeline.element_spec if tag is None else pipeline.spec(tag)
    made = _making(
        pipeline, end, {name: dataset._variant_tensor for name, dataset in fed.items()}
    )
    try:
        # Not by calling `made`: TensorFlow warns of functions that are made repeatedly.
        concrete = made.get_concrete_function()
        # Functions, py_functions and generators live with what made them.
        return of_variant(concrete(), spec, concrete, pipeline, tuple(feeds.values()))
    except (tf.errors.OpError, ValueError) as error:
        raise GraphError(graphs.first_line(error)) from None


def evaluated(pipeline: Pipeline, name: str) -> tf.Tensor:
    """The value of a node of a pipeline's graph, such as the handle of a lookup table.

    Args:
      pipeline: which pipeline.
      name: of a node that needs no dataset.

    Raises:
      GraphError: if TensorFlow does not take the graph.
      KeyError: if there is no such node.
    """
    try:
        return _making(pipeline, name, {}).get_concrete_function()()
    except (tf.errors.OpError, ValueError) as error:
        raise GraphError(graphs.first_line(error)) from None


def of_variant(variant: tf.Tensor, spec: Any, *kept: Any) -> tf.data.Dataset:
    """A dataset that an operation gives.

    Args:
      variant: what the operation gives.
      spec: of the elements.
      kept: what has to live as long as the dataset.
    """
    dataset = dataset_ops._VariantDataset(variant, spec)
    dataset._dotmotion_kept = kept
    return dataset


def substituted(pipeline: Pipeline, tag: str, replacement: tf.data.Dataset) -> Pipeline:
    """The pipeline with another dataset in place of one of its own and all before it.

    Args:
      pipeline: what to change.
      tag: the dataset to replace.
      replacement: gives elements of the same types.

    Returns:
      A pipeline whose other datasets have the tags they had.
    """
    if pipeline.node_def(tag).name == pipeline.output:
        variant = replacement._variant_tensor
        whole = of_variant(variant, pipeline.element_spec, replacement)
    else:
        whole = build(pipeline, feeds={tag: replacement})
    changed = graphs.read(whole)
    return dataclasses.replace(changed, kept=(*pipeline.kept, *changed.kept, replacement))


def _making(pipeline: Pipeline, end: str, variants: Mapping[str, tf.Tensor]) -> Any:
    """A function that gives the value of a node.

    Args:
      pipeline: where the node is.
      end: its name.
      variants: what takes the place of some nodes, by name.
    """
    graph = _pruned(pipeline.graph, end, variants)
    present = {node.name for node in graph.node}
    constants = {
        name: value for name, value in pipeline.constants.items() if name in present
    }

    @tf.function(autograph=False)
    def make() -> Any:
        replaced = {
            f"{name}:0": tf.identity(value)
            for name, value in {**constants, **variants}.items()
        }
        if end in variants:
            return tf.identity(variants[end])
        (value,) = tf.graph_util.import_graph_def(
            graph, input_map=replaced, return_elements=[f"{end}:0"], name=""
        )
        return value

    return make


def _pruned(graph: Any, end: str, fed: Mapping[str, Any]) -> Any:
    """What is needed for a node, with all functions."""
    defs = {node.name: node for node in graph.node}
    needed: set[str] = set()
    stack = [end]
    while stack:
        name = stack.pop()
        if name in needed:
            continue
        needed.add(name)
        if name not in fed:
            node = defs[name]
            stack += [each.lstrip("^").partition(":")[0] for each in node.input]
    pruned = graph_pb2.GraphDef(library=graph.library, versions=graph.versions)
    for node in graph.node:
        if node.name in needed:
            copy = pruned.node.add()
            copy.CopyFrom(node)
            if node.name in fed:
                copy.Clear()
                copy.name, copy.op = node.name, "Placeholder"
                copy.attr["dtype"].type = tf.variant.as_datatype_enum
    return pruned
