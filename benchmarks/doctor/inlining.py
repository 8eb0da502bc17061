"""Calling a function of a serialised pipeline from Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import graph_pb2
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
    loaded = _loaded(pipeline, name)
    if outputs is None:
        definition = loaded.definition
        outputs = [
            definition.ret[argument.name] for argument in definition.signature.output_arg
        ]
    return loaded.imported(loaded.graph, loaded.inputs((*arguments, *values)), outputs)


def part(
    pipeline: Pipeline,
    name: str,
    arguments: Sequence[Any],
    given: Mapping[str, Any],
    outputs: Sequence[str],
) -> list[Any]:
    """Puts those operations of a function that some values need into the traced graph.

    Args:
      pipeline: whose function.
      name: of the function.
      arguments: all of them, with what is captured; None for those that are not needed.
      given: tensors by the values of the function that they take the place of, such as
        "Add:z:0"; what only these need is left out.
      outputs: values of the function.

    Returns:
      The flat tensors of these values.

    Raises:
      GraphError: if an argument is needed that is None.
    """
    loaded = _loaded(pipeline, name)
    inputs = loaded.inputs(arguments)
    inputs |= {loaded.names[value]: tensor for value, tensor in given.items()}
    wanted = [value for value in outputs if loaded.names[value] not in inputs]
    graph, used = _needed(loaded.graph, [loaded.names[each] for each in wanted], inputs)
    made = loaded.imported(graph, {each: inputs[each] for each in used}, wanted)
    known = dict(zip(wanted, made, strict=True))
    return [
        known[value] if value in known else inputs[loaded.names[value]] for value in outputs
    ]


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """A function as a graph.

    Attributes:
      definition: its proto.
      graph: its operations.
      names: of the graph's tensors, by values of the function.
    """

    definition: Any
    graph: Any
    names: Mapping[str, str]

    def inputs(self, arguments: Sequence[Any]) -> dict[str, tf.Tensor]:
        """Tensors by the names of arguments in the graph, without those that are None."""
        return {
            f"{argument.name}:0": tf.convert_to_tensor(value)
            for argument, value in zip(
                self.definition.signature.input_arg, arguments, strict=True
            )
            if value is not None
        }

    def imported(
        self, graph: Any, inputs: Mapping[str, tf.Tensor], outputs: Sequence[str]
    ) -> list[Any]:
        """The tensors of some values, of operations that are put into the traced graph."""
        return list(
            tf.graph_util.import_graph_def(
                graph,
                input_map=dict(inputs),
                return_elements=[self.names[output] for output in outputs],
                name="",
            )
        )


def _loaded(pipeline: Pipeline, name: str) -> _Loaded:
    """A function, with those that it calls added to the traced graph."""
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
    return _Loaded(definition, graph, names)


def _needed(
    graph: Any, outputs: Sequence[str], given: Mapping[str, Any]
) -> tuple[Any, set[str]]:
    """The nodes of a graph that some tensors need, and which of those given they take."""
    defs = {node.name: node for node in graph.node}
    needed: set[str] = set()
    used: set[str] = set()
    unseen = list(outputs)
    while unseen:
        tensor = unseen.pop()
        if tensor in given:
            used.add(tensor)
            continue
        node = defs[tensor.lstrip("^").partition(":")[0]]
        if node.op == "Placeholder":
            raise GraphError(f"{node.name} of a function is needed, and was not given")
        if node.name not in needed:
            needed.add(node.name)
            unseen += (each if ":" in each else f"{each}:0" for each in node.input)
    kept = graph_pb2.GraphDef(versions=graph.versions)
    kept.node.extend(node for node in graph.node if node.name in needed)
    return kept, used
