"""A `tf.data` pipeline as the graph it is serialised to, which can be read and changed.

`Dataset._as_serialized_graph` gives the nodes of a pipeline with the functions that they
call. It is in the stock wheel of TensorFlow 2.21, and private: everything that leans on it
is in this module, and `building` makes a dataset of such a graph.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import (
    dataset_metadata_pb2,
    graph_pb2,
    node_def_pb2,
)
from tensorflow.python.framework import op_def_registry

# Constants above it are handed over as tensors: copying them into every graph takes time,
# and a graph can't hold 2 GB.
_LARGE_BYTES = 1 << 16
# Appended to the names that nodes carry along, so that they are known after a change.
_TAG = "#"
# The runtime's own names, such as "MapDataset:3".
_OWN_NAME = re.compile(r"\w+:\d+")
# "__inference_Dataset_map_decode_17" is the user's `decode`.
_FUNCTION = re.compile(
    r"__inference_(?:\w+?_)?Dataset_(?:flat_map|group_by_window|scan|take_while|reduce|"
    r"map_with_legacy_function|map|filter|interleave|unique|rejection_resample|"
    r"bucket_by_sequence_length)_(.+?)_\d+"
)
# Functions of TensorFlow's own that make its readers and `from_generator`.
_COMPOSED = re.compile(r"_(read_one_file|flat_map_fn)_\d+$")
_NEW = itertools.count()
_STATE = {"CacheDatasetV2": "DummyMemoryCache", "ShuffleDatasetV3": "DummySeedGenerator"}


class GraphError(ValueError):
    """A pipeline can't be serialised; the message is one line."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A dataset in a pipeline.

    Attributes:
      tag: what it is known by, also after others were changed.
      op: operation of the runtime.
      name: what the user called it, or the operation.
      function: the user's function, or "".
      functions: functions of the graph that it calls.
      inputs: tags of the datasets it takes.
    """

    tag: str
    op: str
    name: str
    function: str
    functions: tuple[str, ...]
    inputs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """A serialised dataset.

    Attributes:
      graph: its nodes and functions; not to be changed in place.
      element_spec: of its elements.
      constants: large constants by the node that they were.
      kept: what has to live as long as it, such as the dataset it was read from.
    """

    graph: Any
    element_spec: Any
    constants: Mapping[str, Any]
    kept: tuple[Any, ...]

    @property
    def nodes(self) -> list[Node]:
        """The datasets, each after those it takes; the last is the whole pipeline."""
        defs = {node.name: node for node in self.graph.node}
        library = {each.signature.name: each for each in self.graph.library.function}
        found: list[Node] = []
        done: set[str] = set()
        stack = [(self.output, False)]
        while stack:
            name, inputs_are_done = stack.pop()
            if name in done:
                continue
            inputs = [each for each in _inputs(defs[name]) if is_dataset(defs[each])]
            if inputs_are_done:
                done.add(name)
                found.append(_node(defs, library, name, inputs))
            else:
                stack.append((name, True))
                stack += [(each, False) for each in reversed(inputs)]
        return found

    @property
    def output(self) -> str:
        """Name of the graph's node that is the whole pipeline."""
        (last,) = (node for node in self.graph.node if node.op == "_Retval")
        return _inputs(last)[0]

    def node(self, tag: str) -> Node:
        """The dataset that is known by a tag; raises KeyError if there is none."""
        for node in self.nodes:
            if node.tag == tag:
                return node
        raise KeyError(tag)

    def node_def(self, tag: str) -> Any:
        """The graph's node of a dataset; raises KeyError if there is none."""
        for node in self.graph.node:
            if is_dataset(node) and _tag(node) == tag:
                return node
        raise KeyError(tag)

    def constant(self, tag: str, argument: str) -> Any:
        """The value of a dataset's argument, an array, or None if it is no constant."""
        node = self.node_def(tag)
        value = self._constant(node.input[position(node, argument)])
        return None if value is None else np.asarray(value.numpy())

    def constants_of(self, tag: str, argument: str) -> list[tf.Tensor] | None:
        """The values of an argument that is a list; None if one of them is no constant."""
        names = arguments(self.node_def(tag))[argument]
        values = [self._constant(name) for name in names]
        return None if any(value is None for value in values) else values

    def _constant(self, value: str) -> tf.Tensor | None:
        name = value.partition(":")[0]
        while name not in self.constants:
            (producer,) = (each for each in self.graph.node if each.name == name)
            if producer.op != "Identity":
                is_constant = producer.op == "Const"
                return tensor(producer.attr["value"].tensor) if is_constant else None
            (name,) = _inputs(producer)
        return self.constants[name]

    def spec(self, tag: str) -> Any:
        """Of the elements of one of its datasets: theirs, or a tuple of flat tensors."""
        node = self.node_def(tag)
        if node.name == self.output:
            return self.element_spec
        has_types = "output_types" in node.attr
        types = node.attr["output_types" if has_types else "Toutput_types"]
        shapes = node.attr["output_shapes"].list.shape
        return tuple(
            tf.TensorSpec(tf.TensorShape(shape), tf.dtypes.as_dtype(dtype))
            for shape, dtype in zip(shapes, types.list.type, strict=True)
        )


def read(dataset: tf.data.Dataset) -> Pipeline:
    """Serialises a dataset.

    Resources of its own, such as what `cache()` has stored or the state of `shuffle()`, are
    not part of it: what is built from it starts afresh.

    Args:
      dataset: any dataset; it is not changed.

    Raises:
      GraphError: if a part of it can't be serialised.
    """
    policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    try:
        serialised = dataset._as_serialized_graph(external_state_policy=policy).numpy()
    except tf.errors.OpError as error:
        raise GraphError(first_line(error)) from None
    graph = graph_pb2.GraphDef.FromString(serialised)
    constants = _take_large_constants(graph)
    _renew_state(graph)
    pipeline = Pipeline(graph, dataset.element_spec, constants, (dataset,))
    _tag_all(pipeline)
    return pipeline


def is_dataset(node: Any) -> bool:
    """Whether a node of a graph is a dataset."""
    return "Dataset" in node.op and node.op not in (
        "DatasetToGraphV2",
        "DatasetToSingleElement",
    )


def first_line(error: BaseException) -> str:
    """The first line of what an error of TensorFlow says, without the node's path."""
    text = str(getattr(error, "message", None) or error).strip()
    lines = text.splitlines() or [type(error).__name__]
    # Of a function that was traced, the error stands below the lines of its code.
    line = lines[-1].strip() if lines[0].endswith("in user code:") else lines[0]
    line = re.sub(r"\{\{[^}]*\}\}\s*", "", line)
    return re.sub(r"\s*\[Op:\w+\].*$", "", line).strip()


def tensor(proto: Any) -> tf.Tensor:
    """The tensor that a `TensorProto` holds."""
    # `tf.make_ndarray` does not read all forms of strings.
    return tf.io.parse_tensor(proto.SerializeToString(), tf.dtypes.as_dtype(proto.dtype))


def _inputs(node: Any) -> list[str]:
    """Names of the nodes whose values a node takes."""
    return [name.partition(":")[0] for name in node.input if not name.startswith("^")]


def arguments(node: Any) -> dict[str, list[str]]:
    """The inputs of a node by the argument that they are."""
    definition = op_def_registry.get(node.op)
    values = [name for name in node.input if not name.startswith("^")]
    found: dict[str, list[str]] = {}
    for argument in definition.input_arg:
        if argument.number_attr:
            count = node.attr[argument.number_attr].i
        elif argument.type_list_attr:
            count = len(node.attr[argument.type_list_attr].list.type)
        else:
            count = 1
        found[argument.name], values = values[:count], values[count:]
    return found


def position(node: Any, argument: str) -> int:
    """The number of a node's input that an argument is; raises KeyError if it has none."""
    position = 0
    for name, values in arguments(node).items():
        if name == argument:
            return position
        position += len(values)
    raise KeyError(argument)


def _take_large_constants(graph: Any) -> dict[str, Any]:
    """Replaces large constants by placeholders; returns their values."""
    constants = {}
    for node in graph.node:
        if node.op == "Const" and node.attr["value"].ByteSize() > _LARGE_BYTES:
            constants[node.name] = tensor(node.attr["value"].tensor)
            dtype = node.attr["dtype"].type
            node.op = "Placeholder"
            node.attr.clear()
            node.attr["dtype"].type = dtype
    return constants


def _renew_state(graph: Any) -> None:
    """Cuts the ties to what the serialised dataset has stored."""
    for node in list(graph.node):
        if node.op in _STATE:
            fresh = node_def_pb2.NodeDef(name=f"{node.name}/state", op=_STATE[node.op])
            graph.node.append(fresh)
            node.input[
                position(node, "cache" if "Cache" in node.op else "seed_generator")
            ] = fresh.name


def _tag_all(pipeline: Pipeline) -> None:
    is_new = not any(_TAG in _given_name(node) for node in pipeline.graph.node)
    order = {node.tag: number for number, node in enumerate(pipeline.nodes)}
    taken: set[str] = set()
    for node in pipeline.graph.node:
        if not is_dataset(node):
            continue
        given = _given_name(node)
        if _TAG in given:
            continue
        name = "" if _OWN_NAME.fullmatch(given) else given
        # A dataset that a rewrite has made never gets the tag of one that is gone.
        tag = f"{name}{_TAG}{order[_tag(node)]}"
        if tag in taken or not is_new:
            tag = f"{name}{_TAG}+{next(_NEW)}"
        taken.add(tag)
        if not _keeps_metadata(node.op):
            # The runtime writes it, and then complains about it.
            node.attr.pop("metadata", None)
        else:
            metadata = dataset_metadata_pb2.Metadata(name=tag.encode())
            node.attr["metadata"].s = metadata.SerializeToString()


def _keeps_metadata(op: str) -> bool:
    definition = op_def_registry.get(op)
    return any(attribute.name == "metadata" for attribute in definition.attr)


def _given_name(node: Any) -> str:
    if "metadata" not in node.attr:
        return ""
    metadata = dataset_metadata_pb2.Metadata.FromString(node.attr["metadata"].s)
    return str(metadata.name.decode(errors="replace"))


def _tag(node: Any) -> str:
    return _given_name(node) or str(node.name)


def _reader(library: Mapping[str, Any], functions: Sequence[str]) -> str:
    """What a user calls a dataset of TensorFlow's that is made of others.

    `from_generator` is a flat map, and so is a reader of several files.
    """
    for name in functions:
        if name not in library or not _COMPOSED.search(name):
            continue
        for node in library[name].node_def:
            if is_dataset(node):
                return str(node.op).removesuffix("V2")
    return ""


def _node(
    defs: Mapping[str, Any],
    library: Mapping[str, Any],
    name: str,
    inputs: Sequence[str],
) -> Node:
    node = defs[name]
    functions = tuple(_called(node))
    given = _given_name(node).rpartition(_TAG)[0]
    given = "" if _OWN_NAME.fullmatch(given) else given
    return Node(
        tag=_tag(node),
        op=str(node.op),
        name=given or _reader(library, functions) or str(node.op),
        function=_readable(functions),
        functions=functions,
        inputs=tuple(_tag(defs[each]) for each in inputs),
    )


def _called(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _readable(functions: Sequence[str]) -> str:
    for name in functions:
        match = _FUNCTION.fullmatch(name)
        if match is not None:
            return match[1].removeprefix("class")
    return ""
