"""Rewrites that have one call do what several did for the same element."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from benchmarks.doctor import building, inlining, operations
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, is_plain, parallelism_for, where

FUSE = "fuse maps"
KINDS = (FUSE,)


def find(view: View) -> list[Rewrite]:
    """Maps that take each other's elements and nothing else does."""
    return [_fused(view, maps) for maps in _chains(view) if len(maps) > 1]


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if a function has captured what is no constant.
    """
    maps = [pipeline.node(tag) for tag in rewrite.tags]
    captured = [inlining.captured(pipeline, node) for node in maps]

    def fused(*element: Any) -> tuple[Any, ...]:
        tensors = list(tf.nest.flatten(element, expand_composites=True))
        for node, values in zip(maps, captured, strict=True):
            tensors = inlining.call(pipeline, node.functions[0], tensors, values)
        return tuple(tensors)

    before = building.build(pipeline, maps[0].inputs[0])
    mapped = before.map(
        fused,
        num_parallel_calls=rewrite.arguments["num_parallel_calls"],
        name=maps[-1].name,
    )
    return building.substituted(pipeline, rewrite.tags[-1], mapped)


def _chains(view: View) -> list[list[Node]]:
    """The longest runs of maps, in pipeline order."""
    found: list[list[Node]] = []
    for node in view.nodes:
        if node.op not in operations.MAPS or not is_plain(view, node):
            continue
        if found and view.consumer(found[-1][-1].tag) is node:
            found[-1].append(node)
        else:
            found.append([node])
    return found


def _fused(view: View, maps: list[Node]) -> Rewrite:
    costliest = max(maps, key=lambda node: view.wall_s(node.tag))
    calls = parallelism_for(view.alone.get(costliest.tag), view.cores)
    names = ", ".join(where(node) for node in maps)
    functions = [node.function or f"f{number}" for number, node in enumerate(maps, start=1)]
    nested = "x"
    for function in functions:
        nested = f"{function}({nested})"
    return Rewrite(
        FUSE,
        tuple(node.tag for node in maps),
        {"num_parallel_calls": calls},
        f"{names} hand each element on to each other, which costs more than a call",
        f".map(lambda x: {nested}, num_parallel_calls={calls})",
    )
