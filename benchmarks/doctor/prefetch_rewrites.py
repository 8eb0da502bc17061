"""Rewrites that have a thread take elements ahead of who asks for them."""

from __future__ import annotations

import dataclasses

from benchmarks.doctor import building, graphs
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, where

PREFETCH, BETWEEN = "prefetch", "prefetch between"
KINDS = (PREFETCH, BETWEEN)
# At the end, where the runtime may add to it.
_AT_END = 2
_BETWEEN, _BETWEEN_BYTES = 16, 64 << 20
# Of the time of an element: with less on either side there is nothing to overlap.
_LEAST_SHARE = 0.15


def find(view: View) -> list[Rewrite]:
    """A missing prefetch at the end, and between two stages that wait for each other."""
    found = []
    last = view.nodes[-1].tag
    if not any(
        node.op == "PrefetchDataset" for node in view.nodes if node.tag in _end(view)
    ):
        found.append(
            Rewrite(
                PREFETCH,
                (last,),
                {"buffer_size": _AT_END},
                "the next element is only begun when it is asked for",
                ".prefetch(tf.data.AUTOTUNE) at the end",
            )
        )
    return [*found, *_between(view)]


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change."""
    size = rewrite.arguments["buffer_size"]
    if rewrite.kind == BETWEEN:
        (tag,) = rewrite.tags
        ahead = building.build(pipeline, tag).prefetch(size)
        return building.substituted(pipeline, tag, ahead)
    # Other rewrites may have put another dataset at the end.
    changed = graphs.read(building.build(pipeline).prefetch(size))
    kept = (*pipeline.kept, *changed.kept)
    return dataclasses.replace(changed, kept=kept)


def _between(view: View) -> list[Rewrite]:
    """The place that divides best what one thread does."""
    found: list[tuple[float, Node, Node]] = []
    total = sum(view.wall_s(node.tag) for node in view.nodes)
    for node in view.nodes:
        taker = view.consumer(node.tag)
        if taker is None or not (_is_serial(node) and _is_serial(taker)):
            continue
        before, after = _serial_before(view, node), _serial_after(view, taker)
        if min(before, after) > _LEAST_SHARE * total:
            found.append((min(before, after), node, taker))
    if not found:
        return []
    _, node, taker = max(found, key=lambda each: each[0])
    size = max(2, min(_BETWEEN, int(_BETWEEN_BYTES / max(view.alone[node.tag].bytes, 1))))
    return [
        Rewrite(
            BETWEEN,
            (node.tag,),
            {"buffer_size": size},
            f"{where(node)} and {where(taker)} take turns in one thread",
            f".prefetch({size}) between {where(node)} and {where(taker)}",
        )
    ]


def _is_serial(node: Node) -> bool:
    """Whether a stage works in the thread that takes its elements, as far as is known."""
    return not node.op.startswith("Parallel") and node.op not in (
        "MapDataset",
        "PrefetchDataset",
    )


def _serial_before(view: View, node: Node) -> float:
    """Seconds of a stage and of those before it in the same thread."""
    seconds, each = 0.0, node
    while _is_serial(each):
        seconds += view.wall_s(each.tag)
        source = view.source_of(each)
        if source is None:
            break
        each = source
    return seconds


def _serial_after(view: View, node: Node) -> float:
    """Seconds of a stage and of those behind it in the same thread."""
    seconds = 0.0
    each: Node | None = node
    while each is not None and _is_serial(each):
        seconds += view.wall_s(each.tag)
        each = view.consumer(each.tag)
    return seconds


def _end(view: View) -> list[str]:
    """Tags of the datasets after the last one that does any work."""
    passing = ("OptionsDataset", "PrefetchDataset", "ModelDataset")
    found = []
    for node in reversed(view.nodes):
        if node.op not in passing:
            break
        found.append(node.tag)
    return found
