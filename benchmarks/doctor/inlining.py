"""Calling a function of a serialised pipeline from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph

from benchmarks.doctor import graphs
from benchmarks.doctor.graphs import Node, Pipeline


def captured(pipeline: Pipeline, node: Node) -> list[Any] | None:
    """Values that a dataset hands to its function, or None if they are no constants."""
    definition = pipeline.node_def(node.tag)
    defs = {each.name: each for each in pipeline.graph.node}
    count = len(definition.attr["Targuments"].list.type)
    names = [name for name in definition.input if not name.startswith("^")]
    values = []
    for name in names[len(node.inputs) : len(node.inputs) + count]:
        producer = name.partition(":")[0]
        if producer in pipeline.constants:
            values.append(pipeline.constants[producer])
        elif defs[producer].op == "Const" and defs[producer].attr["dtype"].type not in (
            tf.resource.as_datatype_enum,
            tf.variant.as_datatype_enum,
        ):
            values.append(graphs.tensor(defs[producer].attr["value"].tensor))
        else:
            return None
    return values


def call(
    pipeline: Pipeline, name: str, arguments: Sequence[Any], values: Sequence[Any]
) -> list[Any]:
    """Puts the operations of a function into the graph that is being traced.

    Args:
      pipeline: whose function.
      name: of the function.
      arguments: flat tensors of an element; None where the function does not need one.
      values: what the function has captured.

    Returns:
      The flat tensors that it gives.
    """
    library = {each.signature.name: each for each in pipeline.graph.library.function}
    function = library[name]
    graph, names = function_def_to_graph.function_def_to_graph_def(function)
    graph.library.CopyFrom(pipeline.graph.library)
    given = [*arguments, *values]
    inputs = {
        f"{argument.name}:0": tf.convert_to_tensor(value)
        for argument, value in zip(function.signature.input_arg, given, strict=True)
        if value is not None
    }
    outputs = [
        names[function.ret[argument.name]] for argument in function.signature.output_arg
    ]
    return list(
        tf.graph_util.import_graph_def(
            graph, input_map=inputs, return_elements=outputs, name=""
        )
    )
