"""Calling a function of a serialised pipeline from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph

from benchmarks.doctor import building, definitions, graphs, nested_functions
from benchmarks.doctor.graphs import GraphError, Node, Pipeline

# The argument of datasets whose function they call with each element.
_CAPTURED = "other_arguments"
# What the handle of a table is made by, which holds what it held for each use of it.
_TABLES = ("Const", "HashTableV2", "Identity", "LookupTableImportV2")


def is_callable(pipeline: Pipeline, node: Node) -> bool:
    """Whether a dataset hands nothing but constants and lookup tables to its function."""
    names = _captured_names(pipeline, node)
    return names is not None and all(
        name in pipeline.constants or _is_constant(pipeline, name) for name in names
    )


def captured(pipeline: Pipeline, node: Node) -> list[Any]:
    """Values that a dataset hands to its function.

    Raises:
      GraphError: if there are others than `is_callable` knows, or a table can't be made.
    """
    names = _captured_names(pipeline, node)
    if names is None or not is_callable(pipeline, node):
        raise GraphError(f"the function of {node.name} has captured what is no constant")
    defs = {each.name: each for each in pipeline.graph.node}
    values = []
    for name in names:
        if name in pipeline.constants:
            values.append(pipeline.constants[name])
        elif defs[name].op == "Const":
            values.append(graphs.tensor(defs[name].attr["value"].tensor))
        else:
            values.append(building.evaluated(pipeline, name))
    return values


def _captured_names(pipeline: Pipeline, node: Node) -> list[str] | None:
    """Names of the nodes whose values are handed on; None if nothing tells them."""
    given = graphs.arguments(pipeline.node_def(node.tag))
    if _CAPTURED not in given:
        return None
    return [name.partition(":")[0] for name in given[_CAPTURED]]


def _is_constant(pipeline: Pipeline, name: str) -> bool:
    """Whether a node is a constant, or the handle of a table of constants."""
    defs = {each.name: each for each in pipeline.graph.node}
    unseen, seen = [name], set()
    while unseen:
        found = defs[unseen.pop()]
        is_handle = found.op == "Const" and found.attr["dtype"].type in (
            tf.resource.as_datatype_enum,
            tf.variant.as_datatype_enum,
        )
        is_large = found.name in pipeline.constants
        if is_handle or not (found.op in _TABLES or is_large):
            return False
        seen.add(found.name)
        producers = {each.lstrip("^").partition(":")[0] for each in found.input}
        unseen += producers - seen
    return True


def sliced(pipeline: Pipeline, node: Node) -> list[str] | None:
    """What a dataset's function gives to `from_tensor_slices`, if it does nothing else.

    Args:
      pipeline: where the dataset is.
      node: such as a flat map.

    Returns:
      Names of tensors in its function, or None if it makes a dataset of another kind.
    """
    function = definitions.of(pipeline, node)
    if function is None or len(function.returned) != 1:
        return None
    made = function.producer(function.handed_on(function.returned[0]))
    if made is None or made.op != "TensorSliceDataset":
        return None
    # What is checked before is checked no more when it is called in another way.
    is_checked = any(name.startswith("^") for name in made.input)
    datasets = sum("Dataset" in each.op for each in function.nodes)
    return None if is_checked or datasets > 1 else list(made.input)


def call(
    pipeline: Pipeline,
    name: str,
    arguments: Sequence[Any],
    values: Sequence[Any],
    outputs: Sequence[str] | None = None,
) -> list[Any]:
    """Puts the operations of a function into the graph that is being traced.

    Args:
      pipeline: whose function.
      name: of the function.
      arguments: flat tensors of an element; None where the function does not need one.
      values: what the function has captured.
      outputs: of `sliced`; what the function gives if None.

    Returns:
      The flat tensors of these names.
    """
    known = {each.signature.name: each for each in pipeline.graph.library.function}
    library = nested_functions.reached(known, name)
    definition = library.function[0]
    loaded = nested_functions.load(library)
    with tf.Graph().as_default() as loading:
        for function in loaded.values():
            function.add_to_graph(loading)
        graph, names = function_def_to_graph.function_def_to_graph_def(definition)
    del graph.library.function[:]
    for other, function in loaded.items():
        if other != name:
            function.add_to_graph(tf.compat.v1.get_default_graph())
    given = [*arguments, *values]
    inputs = {
        f"{argument.name}:0": tf.convert_to_tensor(value)
        for argument, value in zip(definition.signature.input_arg, given, strict=True)
        if value is not None
    }
    if outputs is None:
        outputs = [
            definition.ret[argument.name] for argument in definition.signature.output_arg
        ]
    return list(
        tf.graph_util.import_graph_def(
            graph,
            input_map=inputs,
            return_elements=[names[output] for output in outputs],
            name="",
        )
    )
