"""Rewrites that keep in memory what would be made again."""

from __future__ import annotations

import copy

import psutil

from benchmarks.doctor import building, graph_edits, operations
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.order_rewrites import swap
from benchmarks.doctor.rewrites import Rewrite, View, where

CACHE, LATER, BATCHES = "cache", "cache later", "cache batches"
IN_MEMORY = "cache in memory"
KINDS = (CACHE, LATER, BATCHES, IN_MEMORY)
_REPEATS = ("RepeatDataset", "ForeverRepeatDataset", "FiniteRepeatDataset")
# Their elements are the same in every pass, if their functions are.
_REPEATABLE = (
    *operations.MAPS,
    *operations.BATCHES,
    "FilterDataset",
    "ParallelFilterDataset",
    "FlatMapDataset",
    "InterleaveDataset",
    "ParallelInterleaveDatasetV4",
    "RangeDataset",
    "TensorDataset",
    "TensorSliceDataset",
    "TakeDataset",
    "SkipDataset",
    "ShardDataset",
    "ZipDataset",
    "ConcatenateDataset",
    "UnbatchDataset",
    "PrefetchDataset",
    "OptionsDataset",
    "TFRecordDataset",
    "TFRecordDatasetV2",
    "TextLineDataset",
    "FixedLengthRecordDatasetV2",
    "AssertCardinalityDataset",
)
# Of the memory that is available now.
_MOST_OF_MEMORY = 0.25


def find(view: View) -> list[Rewrite]:
    """Where a cache is missing, and caches that stand at the wrong place."""
    found: list[Rewrite] = []
    for node in view.nodes:
        if node.op in operations.CACHES:
            found += [*_moved(view, node), *_in_memory(view, node)]
    for node in view.nodes:
        if node.op in _REPEATS:
            found += _missing(view, node)
    return found


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change."""
    if rewrite.kind == CACHE:
        (tag,) = rewrite.tags
        before = building.build(pipeline, tag)
        return building.substituted(pipeline, tag, before.cache())
    tag, *later = rewrite.tags
    changed = graph_edits.edited(pipeline)
    if rewrite.kind == IN_MEMORY:
        graph_edits.set_argument(changed, tag, "filename", "")
    for each in later:
        _move_behind(changed, tag, each)
    return changed


def _move_behind(pipeline: Pipeline, cache: str, stage: str) -> None:
    after = pipeline.node_def(stage)
    given = copy.deepcopy(after)
    swap(pipeline, cache, stage)
    # What `swap` gave to the stage are types of elements that it takes.
    for node in (pipeline.node_def(cache), after):
        for attribute in ("output_types", "output_shapes"):
            node.attr[attribute].CopyFrom(given.attr[attribute])


def _moved(view: View, cache: Node) -> list[Rewrite]:
    behind: list[Node] = []
    kind = LATER
    node = view.consumer(cache.tag)
    while (
        node is not None
        and node.op in (*operations.MAPS, *operations.BATCHES)
        and _is_pure(view, node)
    ):
        behind.append(node)
        if not _fits(view, node.tag):
            behind.pop()
            break
        if node.op in operations.BATCHES and len(behind) == 1:
            kind = BATCHES
        node = view.consumer(node.tag)
    if not behind:
        return []
    names = ", ".join(where(each) for each in behind)
    text = (
        f"{names} copies the same elements together in every pass"
        if kind == BATCHES and len(behind) == 1
        else f"{names} does the same work in every pass, though {where(cache)} could keep "
        "what it makes"
    )
    return [
        Rewrite(
            kind,
            (cache.tag, *(each.tag for each in behind)),
            {},
            text,
            f".cache() after {names}",
        )
    ]


def _in_memory(view: View, cache: Node) -> list[Rewrite]:
    """A cache that reads in every pass from a file what fits into memory."""
    name = view.pipeline.constant(cache.tag, "filename")
    if name is None or not name.item() or not _fits(view, cache.tag):
        return []
    return [
        Rewrite(
            IN_MEMORY,
            (cache.tag,),
            {},
            f"{where(cache)} reads and checks its file in every pass, and its elements fit "
            "into memory",
            ".cache() without a file's name",
            asks="the next run finds no file",
        )
    ]


def _missing(view: View, repeat: Node) -> list[Rewrite]:
    """A cache behind all that does the same in every pass that one stage begins."""
    last: Node | None = None
    for node in _before(view, repeat):
        if node.op in (*operations.CACHES, *_REPEATS):
            return []
        if node.op not in _REPEATABLE or not _is_pure(view, node):
            break
        last = node
    if last is None or not last.inputs or not _fits(view, last.tag):
        return []
    return [
        Rewrite(
            CACHE,
            (last.tag,),
            {},
            f"every pass does the work up to {where(last)} again, and its elements fit "
            "into memory",
            f".cache() after {where(last)}",
        )
    ]


def _before(view: View, end: Node) -> list[Node]:
    """All stages whose elements come to one, in order, without itself."""
    wanted = set(end.inputs)
    found: list[Node] = []
    for node in reversed(view.nodes):
        if node.tag in wanted:
            wanted.update(node.inputs)
            found.insert(0, node)
    return found


def _is_pure(view: View, node: Node) -> bool:
    traits = view.traits(node)
    return not (traits.is_stateful or traits.is_python or traits.is_generator)


def _fits(view: View, tag: str) -> bool:
    """Whether all elements of a dataset would take a small part of the memory."""
    if tag not in view.alone:
        return False
    count = view.count(tag)
    if count < 0:
        return False
    available = psutil.virtual_memory().available
    return view.alone[tag].bytes * count < _MOST_OF_MEMORY * available
