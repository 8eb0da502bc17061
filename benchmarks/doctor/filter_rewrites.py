"""Rewrites that leave elements out before maps work on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.doctor import building, definitions, inlining, operations
from benchmarks.doctor.definitions import Definition
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, is_plain, parallelism_for, where

FILTER = "filter earlier"
KINDS = (FILTER,)
# What elements go through with others at their side, such as their numbers.
_ZIP = "ZipDataset"
_NO_WORK = ("Const", "Identity", "NoOp")


def find(view: View) -> list[Rewrite]:
    """Filters that could tell before a map, or some, what they throw away behind it."""
    return [
        rewrite
        for node in view.nodes
        if node.op in operations.FILTERS and is_plain(view, node)
        for rewrite in _earlier(view, node)
    ]


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if another change has put other stages between these.
      KeyError: if one of them is gone.
    """
    *stages, node = (pipeline.node(tag) for tag in rewrite.tags)
    maps = [each for each in stages if each.op in operations.MAPS]
    zipped = stages[-1] if stages[-1].op == _ZIP else None
    follow = all(
        before.tag in after.inputs
        for before, after in zip(stages, [*stages[1:], node], strict=True)
    )
    if not follow:
        raise GraphError("there are other stages between those to change")
    source = maps[0].inputs[0]
    sources: tuple[str, ...] = (source,)
    if zipped is not None:
        sources = tuple(source if tag == maps[-1].tag else tag for tag in zipped.inputs)
    begin, end = _components(pipeline, sources, source)
    values = {each.tag: inlining.captured(pipeline, each) for each in (*maps, node)}

    def call(each: Node, tensors: Sequence[Any]) -> list[Any]:
        return inlining.call(pipeline, each.functions[0], tensors, values[each.tag])

    def as_mapped(*element: Any) -> tuple[Any, ...]:
        flat = tf.nest.flatten(element)
        mapped = flat[begin:end]
        for each in maps:
            mapped = call(each, mapped)
        return (*flat[:begin], *mapped, *flat[end:])

    def predicate(*element: Any) -> Any:
        # What it does not look at TensorFlow does not compute.
        return call(node, as_mapped(*element))[0]

    given = [building.build(pipeline, tag) for tag in sources]
    if zipped is None:
        left = given[0].filter(predicate, name=node.name)
        # The maps take what is left, and the filter's place is empty.
        after = building.build(pipeline, maps[-1].tag, {source: left})
    else:
        left = tf.data.Dataset.zip(*given).filter(predicate, name=node.name)
        calls = rewrite.arguments["num_parallel_calls"]
        after = left.map(as_mapped, calls, name=maps[-1].name)
    return building.substituted(pipeline, node.tag, after)


def _earlier(view: View, node: Node) -> list[Rewrite]:
    source = view.source_of(node)
    if source is None:
        return []
    zipped = source if source.op == _ZIP else None
    branches = (source.tag,) if zipped is None else zipped.inputs
    chains = [_maps_before(view, tag, zipped or node) for tag in branches]
    maps = max(chains, key=lambda chain: sum(view.wall_s(each.tag) for each in chain))
    if not maps:
        return []
    begin, end = _components(view.pipeline, branches, maps[-1].tag)
    looked_at = {
        number - begin
        for number in _looked_at(view.pipeline, node)
        if begin <= number < end
    }
    saved = _saved(view.pipeline, maps, looked_at)
    if not saved:
        return []
    names = ", ".join(where(each) for each in saved)
    calls = {}
    if zipped is not None:
        costliest = max(saved, key=lambda each: view.wall_s(each.tag))
        calls["num_parallel_calls"] = parallelism_for(
            view.alone.get(costliest.tag), view.cores
        )
    between = (zipped.tag,) if zipped is not None else ()
    return [
        Rewrite(
            FILTER,
            (*(each.tag for each in saved), *between, node.tag),
            calls,
            f"{names} works on elements that {where(node)} then throws away, by what it "
            "could have known before",
            f".filter({node.function or 'predicate'}) before "
            f".map({saved[0].function or 'f'})",
        )
    ]


def _maps_before(view: View, tag: str, taker: Node) -> list[Node]:
    """The longest chain of maps that ends with a stage and nothing else takes."""
    found: list[Node] = []
    node = view.node(tag)
    while (
        node.op in operations.MAPS
        and is_plain(view, node)
        and [each for each in view.nodes for tag in each.inputs if tag == node.tag]
        == [taker]
    ):
        found.insert(0, node)
        taker, node = node, view.node(node.inputs[0])
    return found


def _components(pipeline: Pipeline, branches: Sequence[str], tag: str) -> tuple[int, int]:
    """Which flat components of elements that are put together one branch gives."""
    begin = 0
    for branch in branches:
        width = len(pipeline.spec(branch))
        if branch == tag:
            return begin, begin + width
        begin += width
    raise GraphError("there are other stages between those to change")


def _saved(
    pipeline: Pipeline, maps: Sequence[Node], looked_at: Collection[int]
) -> list[Node]:
    """The maps that a filter can come before.

    All that only hand on what it looks at; or the last, if it does other work besides, and
    what the filter looks at is computed twice.
    """
    found: list[Node] = []
    wanted = sorted(looked_at)
    for node in reversed(maps):
        handed_on = _handed_on(pipeline, node, wanted)
        if handed_on is None:
            break
        wanted = handed_on
        found.insert(0, node)
    if not found and _does_more(pipeline, maps[-1], looked_at):
        found = [maps[-1]]
    return found


def _looked_at(pipeline: Pipeline, node: Node) -> list[int]:
    """The flat components of an element that a predicate uses."""
    predicate = _function(pipeline, node)
    takes = (name for each in predicate.nodes for name in predicate.givers(each))
    used = {*takes, *predicate.returned}
    components = predicate.arguments[: _width(pipeline, node)]
    return [number for number, name in enumerate(components) if name in used]


def _handed_on(
    pipeline: Pipeline, node: Node, components: Sequence[int]
) -> list[int] | None:
    """Which components of a map's input some of its output are; None if it makes one."""
    function = _function(pipeline, node)
    found = []
    for component in components:
        argument = function.argument(function.returned[component])
        if argument is None or argument >= _width(pipeline, node):
            return None
        found.append(argument)
    return found


def _does_more(pipeline: Pipeline, node: Node, components: Collection[int]) -> bool:
    """Whether a map has work to do that some of its components don't need."""
    function = _function(pipeline, node)
    needed = function.needed_for(function.returned[component] for component in components)
    return any(
        each.name not in needed and each.op not in _NO_WORK for each in function.nodes
    )


def _function(pipeline: Pipeline, node: Node) -> Definition:
    function = definitions.of(pipeline, node)
    if function is None:
        raise GraphError(f"the function of {node.name} is not in the graph")
    return function


def _width(pipeline: Pipeline, node: Node) -> int:
    """How many flat components an element has that a dataset takes."""
    return len(pipeline.spec(node.inputs[0]))
