"""The part of a pipeline that a change concerns, run as it would run after the change.

It begins with the change and goes on for as long as the stages behind it do nothing that
depends on what they were given long before; what it takes are elements that are kept in
memory. So it shows what no sum of costs does: threads that wake each other, processors and
caches that are shared.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from benchmarks.doctor import (
    building,
    cache_rewrites,
    catalogue,
    graphs,
    operations,
    setting_rewrites,
    timing,
    vectorised_rewrites,
    whole_batches,
)
from benchmarks.doctor.graphs import GraphError, Node
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.rewrites import Rewrite, View, options_of
from benchmarks.doctor.timing import Timing

# As a part of the time, before anything is counted.
_WARMUP = 0.5
# A part in the middle that gives elements faster is run in batches of them: there no Python
# code takes them, which takes up to 300 us where a thread has to be woken.
_SHORT_SECONDS, _BATCH = 500e-6, 128
# What goes on as before behind a change, whatever elements came before these.
_CONTINUING = (
    "BatchDatasetV2",
    "FilterDataset",
    "FiniteRepeatDataset",
    "ForeverRepeatDataset",
    "MapDataset",
    "OptionsDataset",
    "PaddedBatchDatasetV2",
    "ParallelBatchDataset",
    "ParallelFilterDataset",
    "ParallelMapDatasetV2",
    "PrefetchDataset",
    "RebatchDatasetV2",
    "RepeatDataset",
    "UnbatchDataset",
)


# A shuffle is run with the rest if it is soon full.
_MOST_FILLING_SECONDS = 0.25
# More elements than are taken of a range in a minute. To have it repeated takes a tenth of
# the time in which a batch is made of it.
_MANY = 1 << 30
# Taking an element that is kept.
_TAKING_SECONDS = 2e-6


@dataclasses.dataclass(frozen=True)
class Part:
    """What was run of a pipeline.

    Attributes:
      tags: of the stages of the pipeline that it stands for, in order.
      timed: for each element that the last of them gives.
      batching: for each of them too, of the thread that makes batches for functions that
        are called with whole batches; None if there is none.
    """

    tags: tuple[str, ...]
    timed: Timing
    batching: Timing | None = None


def run(view: View, isolated: Isolated, rewrite: Rewrite, seconds: float) -> Part:
    """Runs what a change concerns.

    Args:
      view: the pipeline.
      isolated: elements that were kept of each stage.
      rewrite: the change, which leaves the stages before it as they are.
      seconds: how long, without what is not counted.

    Raises:
      GraphError: if the change can't be made, or what comes before it has no single end.
      KeyError: if nothing was kept of what comes before it.
      benchmarks.doctor.timing.EmptyError: if the part has no elements.
    """
    if rewrite.kind in cache_rewrites.KINDS:
        return _behind_a_cache(view, isolated, rewrite, seconds)
    if rewrite.kind == setting_rewrites.OPTIONS:
        return _with_options(view, isolated, rewrite, seconds)
    tags = (*rewrite.tags, *_followers(view, rewrite.tags, rewrite.tags[-1]))
    feeds, run_besides = _feeds(view, isolated, view.node(rewrite.tags[0]))
    cut = graphs.read(building.build(view.pipeline, tags[-1]))
    changed, made = catalogue.apply(cut, [rewrite])
    if not made:
        raise GraphError(f"{rewrite.kind} can't be made")
    # Only now: a pipeline that is read forgets what its caches have kept.
    dataset = _endless(building.build(changed, feeds=feeds))
    timed = _as_it_runs(view, dataset.with_options(options_of(view)), tags, seconds)
    batching = None
    if rewrite.kind in vectorised_rewrites.CALLING:
        (feed,) = feeds.values() or (None,)
        batching = _batching(view, rewrite, feed, timed, tags, seconds)
    return Part((*run_besides, *tags), timed, batching)


def _feeds(
    view: View, isolated: Isolated, first: Node
) -> tuple[dict[str, tf.data.Dataset], tuple[str, ...]]:
    """What takes the place of the stage before a part, by its tag.

    Also the tags of stages that are run besides those of the part.
    """
    if not first.inputs:
        return {}, ()
    source = _single_source(view, first)
    # A source such as a range is faster than what hands out elements that are kept.
    if not source.inputs:
        made = building.build(view.pipeline, source.tag)
        return {source.tag: _endless(made)}, (source.tag,)
    return {source.tag: _endless(isolated.kept[source.tag])}, ()


def _endless(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset again and again, if it ends before it has been run for long."""
    count = int(dataset.cardinality().numpy())
    is_long = count == tf.data.INFINITE_CARDINALITY or count > _MANY
    return dataset if is_long else dataset.repeat()


def _behind_a_cache(
    view: View, isolated: Isolated, rewrite: Rewrite, seconds: float
) -> Part:
    """What takes the elements of a cache that is full."""
    (*_, last) = rewrite.tags
    tags = (last, *_followers(view, (), last))
    feeds = {last: isolated.kept[last].repeat()}
    dataset = building.build(view.pipeline, tags[-1], feeds).with_options(options_of(view))
    return Part((*rewrite.tags[:-1], *tags), _as_it_runs(view, dataset, tags, seconds))


def _with_options(view: View, isolated: Isolated, rewrite: Rewrite, seconds: float) -> Part:
    """All that comes behind the source, since options concern all of it."""
    (source,) = (node for node in view.nodes if not node.inputs)
    (first, *_) = (node for node in view.nodes if source.tag in node.inputs)
    tags = (first.tag, *_followers(view, (first.tag,), first.tag))
    if tags[-1] != view.nodes[-1].tag:
        raise GraphError("not all of the pipeline can be run on elements that are kept")
    changed = setting_rewrites.apply(view.pipeline, rewrite)
    dataset = building.build(
        changed, feeds={source.tag: isolated.kept[source.tag].repeat()}
    )
    return Part(tags, _as_it_runs(view, dataset, tags, seconds))


def _single_source(view: View, first: Node) -> Node:
    source = view.source_of(first)
    if source is None:
        raise GraphError(f"{first.name} takes the elements of several stages")
    return source


def _followers(view: View, working: tuple[str, ...], last: str) -> list[str]:
    """The stages behind a part that can be run with it.

    Args:
      view: the pipeline.
      working: the stages of the part that work.
      last: the last of it.
    """
    found: list[str] = []
    taker = view.consumer(last)
    while taker is not None and taker.tag in view.alone:
        goes_on = taker.op in _CONTINUING or (
            taker.op in operations.SHUFFLES
            and _is_soon_full(view, (*working, *found), taker)
        )
        if not goes_on:
            break
        found.append(taker.tag)
        taker = view.consumer(taker.tag)
    return found


def _is_soon_full(view: View, working: tuple[str, ...], shuffle: Node) -> bool:
    """Whether a shuffle's buffer is filled in no time by the stages before it."""
    size = view.pipeline.constant(shuffle.tag, "buffer_size")
    given = view.elements.get(shuffle.inputs[0], 0.0)
    if size is None or int(size) < 1 or given <= 0:
        return False
    each_s = sum(view.wall_s(tag) for tag in working) / given + _TAKING_SECONDS
    return int(size) * each_s < _MOST_FILLING_SECONDS


def _as_it_runs(
    view: View, dataset: tf.data.Dataset, tags: tuple[str, ...], seconds: float
) -> Timing:
    """A part of the pipeline, with all that the runtime does in parallel and ahead."""
    timed = timing.measure(dataset, seconds, warmup_s=seconds * _WARMUP)
    is_end = tags[-1] == view.nodes[-1].tag
    is_long = timed.element_s > _SHORT_SECONDS
    if is_end or is_long or not timing.is_batchable(dataset):
        return timed
    batches = dataset.batch(_BATCH, drop_remainder=True)
    several = timing.measure(batches, seconds, warmup_s=seconds * _WARMUP)
    return timing.by_batches(timed, several, _BATCH)


def _batching(
    view: View,
    rewrite: Rewrite,
    feed: tf.data.Dataset | None,
    timed: Timing,
    tags: tuple[str, ...],
    seconds: float,
) -> Timing:
    """What the thread does that makes the batches and takes the elements for them.

    A part takes no longer than the whole; alone it can, since it is not done in parallel.
    """
    batches = whole_batches.taken(view.pipeline, rewrite, feed)
    alone = timing.measure_alone(_endless(batches), seconds)
    batch = rewrite.tags[-1]
    each = view.elements.get(batch, 0.0) / max(view.elements.get(tags[-1], 0.0), 1e-9)
    return dataclasses.replace(
        alone,
        element_s=min(alone.element_s * each, timed.element_s),
        cpu_s=min(alone.cpu_s * each, timed.cpu_s),
    )
