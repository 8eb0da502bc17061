"""Rewrites that have a map do the part of a scan's work that needs no state.

A scan works on one element after the other, since each needs what the one before has left.
What depends on the element alone can be done for several at once.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from benchmarks.doctor import building, definitions, graphs, inlining
from benchmarks.doctor.definitions import Definition
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, is_plain, parallelism_for, where

MAP = "map before scan"
KINDS = (MAP,)
_SCAN = "ScanDataset"
# What is not worth a map of its own.
_CHEAP = (
    *("AddV2", "Cast", "Const", "ExpandDims", "Identity", "Maximum", "Minimum", "Mul"),
    *("NoOp", "Pack", "RealDiv", "Reshape", "Shape", "Squeeze", "StridedSlice", "Sub"),
)


@dataclasses.dataclass(frozen=True)
class Split:
    """The function of a scan in two parts.

    Attributes:
      handed: values of the function that the first part makes of an element, or that are
        components of it, and that the second takes with the state.
      returned: values that the function gives: new states, then components.
      states: how many of them are states.
      work: operations of the first part that are worth a map.
    """

    handed: tuple[str, ...]
    returned: tuple[str, ...]
    states: int
    work: tuple[str, ...]


def find(view: View) -> list[Rewrite]:
    """Scans that do more with an element than their state is needed for."""
    found = []
    for node in view.nodes:
        split = split_of(view.pipeline, node)
        if split is not None and can_be_made(view, node):
            calls = parallelism_for(view.alone.get(node.tag), view.cores)
            words = in_words(node, split.work, calls)
            found.append(Rewrite(MAP, (node.tag,), {"num_parallel_calls": calls}, *words))
    return found


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if the scan can't be split.
      KeyError: if it is gone.
    """
    (tag,) = rewrite.tags
    node = pipeline.node(tag)
    split = split_of(pipeline, node)
    initial = pipeline.constants_of(tag, "initial_state")
    if split is None or initial is None:
        raise GraphError(f"{node.name} needs its state for everything")
    values = inlining.captured(pipeline, node)
    (name, *_) = node.functions
    width = len(_components(pipeline, node))

    def before(*element: Any) -> tuple[Any, ...]:
        arguments = [*[None] * split.states, *tf.nest.flatten(element)]
        made = inlining.part(pipeline, name, (*arguments, *values), {}, split.handed)
        return tuple(made)

    def with_state(state: Any, handed: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        given = dict(zip(split.handed, tf.nest.flatten(handed), strict=True))
        arguments = [*tf.nest.flatten(state), *[None] * width]
        made = inlining.part(pipeline, name, (*arguments, *values), given, split.returned)
        return tuple(made[: split.states]), tuple(made[split.states :])

    source = building.build(pipeline, node.inputs[0])
    try:
        # States depend on the order of elements, which no option may change here.
        mapped = source.map(
            before, rewrite.arguments["num_parallel_calls"], deterministic=True
        )
        scanned = mapped.scan(tuple(initial), with_state, name=node.name)
    except (TypeError, ValueError, tf.errors.OpError) as error:
        # Not every value of a function can be handed from one dataset to the next.
        raise GraphError(graphs.first_line(error)) from None
    return building.substituted(pipeline, tag, scanned)


def can_be_made(view: View, node: Node) -> bool:
    """Whether the parts of a scan's function do all that it does.

    What looks up tables is none, since nothing tells when that may be done.
    """
    function = definitions.of(view.pipeline, node)
    states = view.pipeline.node_def(node.tag).attr["Tstate"].list.type
    return (
        function is not None
        and not {tf.variant.as_datatype_enum, tf.resource.as_datatype_enum} & set(states)
        # What is done or checked besides has no part that it belongs to.
        and not function.has_side_effects
        and is_plain(view, node)
        and all(_is_dense(each) for each in _components(view.pipeline, node))
        and view.pipeline.constants_of(node.tag, "initial_state") is not None
    )


def in_words(node: Node, work: tuple[str, ...], calls: int) -> tuple[str, str]:
    """Why a part of a scan should be a map, and how.

    Args:
      node: the scan.
      work: operations of that part.
      calls: how many elements to work on at once.
    """
    return (
        f"{where(node)} works on one element after the other, also where it does not need "
        f"its state: {', '.join(work)}",
        f"that part in a .map(..., num_parallel_calls={calls}) before .scan()",
    )


def split_of(pipeline: Pipeline, node: Node) -> Split | None:
    """How a scan can be split; None if it is no scan, or nothing would be gained.

    Args:
      pipeline: where the stage is.
      node: the stage.
    """
    function = definitions.of(pipeline, node) if node.op == _SCAN else None
    if function is None:
        return None
    states = len(pipeline.node_def(node.tag).attr["Tstate"].list.type)
    width = len(_components(pipeline, node))
    components = function.arguments[states : states + width]
    needed = function.needed_for(function.returned)
    free = function.dependent_on(components) - function.dependent_on(
        function.arguments[:states]
    )
    work = [
        each.op
        for each in function.nodes
        if each.name in free & needed and each.op not in _CHEAP
    ]
    handed = _handed(function, free, needed)
    if not work or not handed:
        return None
    return Split(
        tuple(handed), tuple(function.returned), states, tuple(dict.fromkeys(work))
    )


def _components(pipeline: Pipeline, node: Node) -> list[tf.TypeSpec]:
    """Of the elements that a scan takes, flat."""
    found: list[tf.TypeSpec] = tf.nest.flatten(
        pipeline.spec(node.inputs[0]), expand_composites=True
    )
    return found


def _is_dense(spec: tf.TypeSpec) -> bool:
    return spec.dtype not in (tf.variant, tf.resource)


def _handed(function: Definition, free: set[str], needed: set[str]) -> list[str]:
    """Values of some operations or arguments that others take, or that are returned."""
    taken = [
        value
        for each in function.nodes
        if each.name in needed and each.name not in free
        for value in each.input
    ]
    values = (*taken, *function.returned)
    return list(dict.fromkeys(each for each in values if function.maker(each) in free))
