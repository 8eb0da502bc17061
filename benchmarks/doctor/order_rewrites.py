"""Rewrites that put stages into another order, with the same elements in the same order."""

from __future__ import annotations

from benchmarks.doctor import graph_edits, operations
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, where

SHUFFLE, SHARD, SKIP = "shuffle earlier", "shard earlier", "skip earlier"
KINDS = (SHUFFLE, SHARD, SKIP)
_COMMUTING = {"ShuffleDatasetV3": SHUFFLE, "ShardDataset": SHARD, "SkipDataset": SKIP}
_CALLS = {SHUFFLE: "shuffle", SHARD: "shard", SKIP: "skip"}


def find(view: View) -> list[Rewrite]:
    """Stages that could do less if they came before the maps whose elements they take."""
    return [
        rewrite
        for node in view.nodes
        if node.op in _COMMUTING
        for rewrite in _before_maps(view, node)
    ]


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change; raises KeyError if one of the stages is gone."""
    *map_tags, tag = rewrite.tags
    changed = graph_edits.edited(pipeline)
    for map_tag in reversed(map_tags):
        swap(changed, map_tag, tag)
    return changed


def swap(pipeline: Pipeline, first: str, second: str) -> None:
    """Exchanges two datasets, of which the second takes the first's elements, in place.

    The second has to leave elements as they are.
    """
    upper, lower = pipeline.node_def(first), pipeline.node_def(second)
    source = upper.input[0]
    for node in pipeline.graph.node:
        for number, name in enumerate(node.input):
            if name.partition(":")[0] == lower.name and node is not lower:
                node.input[number] = upper.name
    upper.input[0], lower.input[0] = lower.name, source
    (producer,) = (
        node for node in pipeline.graph.node if node.name == source.partition(":")[0]
    )
    for attribute in ("output_types", "output_shapes"):
        name = attribute
        if attribute not in producer.attr:
            name = f"T{attribute}"
        lower.attr[attribute].CopyFrom(producer.attr[name])


def _before_maps(view: View, node: Node) -> list[Rewrite]:
    maps: list[Node] = []
    source = view.source_of(node)
    while (
        source is not None
        and source.op in operations.MAPS
        and view.consumer(source.tag) is not None
        and not view.traits(source).is_stateful
    ):
        maps.insert(0, source)
        source = view.source_of(source)
    if not maps or source is None:
        return []
    kind = _COMMUTING[node.op]
    names = ", ".join(where(each) for each in maps)
    reasons = {
        SHUFFLE: f"{where(node)} holds and moves what {names} has made, instead of what it "
        "makes it from",
        SHARD: f"{names} works on elements that {where(node)} then throws away",
        SKIP: f"{names} works on elements that {where(node)} then throws away",
    }
    return [
        Rewrite(
            kind,
            (*(each.tag for each in maps), node.tag),
            {},
            reasons[kind],
            f".{_CALLS[kind]}(...) before .map({maps[0].function or 'f'})",
        )
    ]
