"""What the functions of a pipeline do, as far as their graphs tell."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator
from typing import Any

from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import op_def_registry

from benchmarks.doctor.graphs import Node, Pipeline

_PYTHON = ("PyFunc", "EagerPyFunc", "PyFuncStateless")
# What is looked up changes by what is inserted, which is another operation.
_HARMLESS = ("Assert", "Print", "PrintV2", "LookupTableFindV2", "LookupTableSizeV2")
# Stateful only if what they call is.
_CALLS = ("StatefulPartitionedCall", "PartitionedCall", "If", "While", "Case")
_GENERATOR = "GeneratorDataset"
# Draw from a state, so that the order of calls tells which element gets which numbers.
DRAWING = (
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "RandomGamma",
    "RandomPoisson",
    "RandomPoissonV2",
    "RandomShuffle",
    "RandomStandardNormal",
    "RandomUniform",
    "RandomUniformInt",
    "RngReadAndSkip",
    "RngSkip",
    "SampleDistortedBoundingBox",
    "SampleDistortedBoundingBoxV2",
    "TruncatedNormal",
)
# How a generator of random numbers gets at its state.
_OF_GENERATORS = ("ReadVariableOp", "VarHandleOp")


@dataclasses.dataclass(frozen=True)
class Traits:
    """What a dataset's functions do, with all that they call.

    Attributes:
      operations: how often each operation stands in them.
      is_stateful: whether calls depend on earlier calls, or on the world.
      is_random: whether all that they depend on are random numbers drawn before.
      is_python: whether Python code runs in them.
      is_generator: whether a Python generator makes the elements.
      opens_datasets: whether they make datasets, such as readers of files.
      casts_bytes: whether they turn uint8 into float32.
    """

    operations: collections.Counter[str]
    is_stateful: bool
    is_random: bool
    is_python: bool
    is_generator: bool
    opens_datasets: bool
    casts_bytes: bool


def of(pipeline: Pipeline, node: Node) -> Traits:
    """The traits of a dataset of a pipeline."""
    library = {each.signature.name: each for each in pipeline.graph.library.function}
    operations: collections.Counter[str] = collections.Counter()
    for name in node.functions:
        operations.update(_operations(library, name, set()))
    return Traits(
        operations=operations,
        is_stateful=any(_is_stateful(op) for op in operations),
        is_random=any(op in DRAWING for op in operations)
        and all(op in (*DRAWING, *_OF_GENERATORS) for op in operations if _is_stateful(op)),
        is_python=any(op in operations for op in _PYTHON),
        is_generator=_GENERATOR in operations or node.op == _GENERATOR,
        opens_datasets=any("Dataset" in op for op in operations),
        casts_bytes=any(
            each.op == "Cast"
            and each.attr["SrcT"].type == types_pb2.DT_UINT8
            and each.attr["DstT"].type == types_pb2.DT_FLOAT
            for name in node.functions
            if name in library
            for each in library[name].node_def
        ),
    )


def _operations(library: dict[str, Any], name: str, seen: set[str]) -> Iterator[str]:
    if name in seen or name not in library:
        return
    seen.add(name)
    for node in library[name].node_def:
        yield node.op
        for value in node.attr.values():
            if value.HasField("func"):
                yield from _operations(library, value.func.name, seen)
            for function in value.list.func:
                yield from _operations(library, function.name, seen)


def _is_stateful(op: str) -> bool:
    if op in _HARMLESS or op in _CALLS or "Dataset" in op:
        return False
    if op in _PYTHON:
        return True
    definition = op_def_registry.get(op)
    return definition is None or bool(definition.is_stateful)
