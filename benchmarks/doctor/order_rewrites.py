"""Rewrites that put stages into another order, with the same elements in the same order."""

from __future__ import annotations

from typing import Any

from benchmarks.doctor import building, graph_edits, inlining
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, where

SHUFFLE, SHARD, SKIP, FILTER = (
    "shuffle earlier",
    "shard earlier",
    "skip earlier",
    "filter earlier",
)
KINDS = (SHUFFLE, SHARD, SKIP, FILTER)
_MAPS = ("MapDataset", "ParallelMapDatasetV2")
_COMMUTING = {"ShuffleDatasetV3": SHUFFLE, "ShardDataset": SHARD, "SkipDataset": SKIP}
_CALLS = {SHUFFLE: "shuffle", SHARD: "shard", SKIP: "skip"}


def find(view: View) -> list[Rewrite]:
    """Stages that could do less if they came before the maps whose elements they take."""
    found: list[Rewrite] = []
    for node in view.nodes:
        if node.op in _COMMUTING:
            found += _before_maps(view, node)
        elif node.op in ("FilterDataset", "ParallelFilterDataset"):
            found += _filter_before_map(view, node)
    return found


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if a filter needs what the maps have made.
    """
    if rewrite.kind == FILTER:
        return _apply_filter(pipeline, rewrite)
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
        and source.op in _MAPS
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


def _filter_before_map(view: View, node: Node) -> list[Rewrite]:
    mapped = view.source_of(node)
    if mapped is None or mapped.op not in _MAPS or view.consumer(mapped.tag) is not node:
        return []
    if view.traits(node).is_stateful or view.traits(mapped).is_stateful:
        return []
    if _handed_on(view.pipeline, mapped, node) is None:
        return []
    return [
        Rewrite(
            FILTER,
            (mapped.tag, node.tag),
            {},
            f"{where(mapped)} works on elements that {where(node)} then throws away, by "
            "what it could have known before",
            f".filter({node.function or 'predicate'}) before "
            f".map({mapped.function or 'f'})",
        )
    ]


def _handed_on(pipeline: Pipeline, mapped: Node, node: Node) -> list[int | None] | None:
    """For each component that a filter takes, the one of the map's input that it is.

    None for a component that the predicate does not look at; None in all if it looks at
    one that the map has made.
    """
    library = {each.signature.name: each for each in pipeline.graph.library.function}
    function, predicate = library[mapped.functions[0]], library[node.functions[0]]
    arguments = [argument.name for argument in function.signature.input_arg]
    count = len(pipeline.spec(mapped.inputs[0]))
    sources = {}
    for each in function.node_def:
        if each.op == "Identity":
            sources[f"{each.name}:output:0"] = each.input[0]
    used = {name.partition(":")[0] for each in predicate.node_def for name in each.input}
    used |= {value.partition(":")[0] for value in predicate.ret.values()}
    found: list[int | None] = []
    outputs = function.signature.output_arg
    for number, output in enumerate(outputs):
        if predicate.signature.input_arg[number].name not in used:
            found.append(None)
            continue
        value = function.ret[output.name]
        while value in sources:
            value = sources[value]
        if value not in arguments[:count]:
            return None
        found.append(arguments.index(value))
    return found


def _apply_filter(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    map_tag, tag = rewrite.tags
    mapped, node = pipeline.node(map_tag), pipeline.node(tag)
    sources = _handed_on(pipeline, mapped, node)
    values = inlining.captured(pipeline, node)
    if sources is None:
        raise GraphError("the predicate needs what the map has made")
    before = building.build(pipeline, mapped.inputs[0])

    def predicate(*element: Any) -> Any:
        arguments = [None if number is None else element[number] for number in sources]
        return inlining.call(pipeline, node.functions[0], arguments, values)[0]

    filtered = before.filter(predicate, name=node.name)
    # The map takes what is left, and the filter's place is empty.
    after = building.build(pipeline, map_tag, {mapped.inputs[0]: filtered})
    return building.substituted(pipeline, tag, after)
