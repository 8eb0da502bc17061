"""What the stages of a pipeline would cost after a rewrite.

What a rewrite has stages do otherwise is run as it would run, alone, on elements that are
kept in memory; what it only has them do less often is told from what they cost now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow as tf

from benchmarks.doctor import (
    cache_rewrites,
    catalogue,
    costs,
    graphs,
    order_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    setting_rewrites,
    timing,
    vectorised_rewrites,
)
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View, options_of
from benchmarks.doctor.timing import Timing

# How long a part is run at least, and as a part of that before it is counted.
PART_SECONDS, _WARMUP = 0.2, 0.5
# A part that gives elements faster is run in batches of them, since taking one takes long.
_SHORT_SECONDS, _BATCH = 100e-6, 256
_BATCHES = ("BatchDatasetV2", "ParallelBatchDataset")
_FEWER = (order_rewrites.SKIP, order_rewrites.SHUFFLE)


@dataclasses.dataclass(frozen=True)
class Expected:
    """What is expected of a rewrite.

    Attributes:
      costs: of the pipeline's stages after it.
      is_measured: whether they stand for seconds that pass, to be compared with measured
        ones, and not only with others of the model.
    """

    costs: tuple[Cost, ...]
    is_measured: bool


def after(
    view: View,
    now: Sequence[Cost],
    isolated: Isolated,
    rewrite: Rewrite,
    *,
    may_measure: bool,
    part_s: float = PART_SECONDS,
) -> Expected | None:
    """What a pipeline's stages would cost.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      isolated: elements that were kept of each stage.
      rewrite: the change.
      may_measure: whether there is time to run a part of the pipeline.
      part_s: how long to run it.

    Returns:
      What is expected, or None if that can't be told.

    Raises:
      GraphError: if the change can't be made.
      KeyError: if a stage that it needs was not measured.
    """
    changed = {cost.tag: cost for cost in now}
    kind, tags = rewrite.kind, rewrite.tags
    # What gave nothing of the elements that are kept would never end on them.
    may_measure = may_measure and all(tag in view.alone for tag in tags)
    if kind in parallel_rewrites.KINDS:
        if may_measure and kind != parallel_rewrites.INTERLEAVE:
            changed |= _run_in_parallel(view, changed, isolated, rewrite, part_s)
            return Expected(tuple(changed.values()), True)
        changed[tags[0]] = _in_parallel(view, changed[tags[0]], rewrite)
    elif kind == vectorised_rewrites.VECTORISE:
        if not may_measure:
            return None
        changed |= _vectorised(view, changed, isolated, rewrite, part_s)
        return Expected(tuple(changed.values()), True)
    elif kind in (vectorised_rewrites.REBATCH, order_rewrites.FILTER):
        if not may_measure:
            return None
        changed |= _anew(view, changed, isolated, rewrite, part_s)
    elif kind == order_rewrites.SHARD:
        shards = float(view.pipeline.constant(tags[-1], "num_shards"))
        changed |= {tag: _scaled(changed[tag], 1 / shards) for tag in tags[:-1]}
    elif kind in _FEWER:
        # What the maps made is thrown away, or never comes out of a buffer.
        made = view.alone[tags[-1]].inputs_per_output
        changed |= {tag: _scaled(changed[tag], 1 / made) for tag in tags[:-1]}
    elif kind in (cache_rewrites.LATER, cache_rewrites.BATCHES):
        fewer = view.elements.get(tags[-1], 0.0) / max(view.elements[tags[0]], 1e-9)
        changed |= {tag: _scaled(changed[tag], 0.0) for tag in tags[1:]}
        changed[tags[0]] = _scaled(changed[tags[0]], min(fewer, 1.0))
    elif kind == cache_rewrites.CACHE:
        changed |= {tag: _scaled(changed[tag], 0.0) for tag in _all_before(view, tags[0])}
    elif kind == setting_rewrites.OPTIONS:
        return Expected(tuple(costs.in_pipeline(view, options=None)), False)
    elif kind == prefetch_rewrites.BETWEEN:
        return Expected(_ahead_of(changed, view, tags[0]), False)
    return Expected(tuple(changed.values()), kind in cache_rewrites.KINDS)


def _in_parallel(view: View, cost: Cost, rewrite: Rewrite) -> Cost:
    calls = rewrite.arguments["num_parallel_calls"]
    if rewrite.kind == parallel_rewrites.INTERLEAVE:
        calls += rewrite.arguments.get("prefetch_input_elements", 0)
    calls = min(calls, costs.pool_threads(view) or calls)
    return dataclasses.replace(cost, parallelism=float(calls), is_server=True)


def _run_in_parallel(
    view: View,
    changed: Mapping[str, Cost],
    isolated: Isolated,
    rewrite: Rewrite,
    part_s: float,
) -> dict[str, Cost]:
    """A stage that works on several elements at once, and a batch right behind it.

    The runtime makes one of both, which copies into the batch in parallel too.
    """
    (tag,) = rewrite.tags
    last = tag
    taker = view.consumer(tag)
    if (
        rewrite.kind == parallel_rewrites.MAP
        and taker is not None
        and taker.op in _BATCHES
        and taker.tag in view.alone
    ):
        last = taker.tag
    timed = _as_it_runs(_part(view, isolated, rewrite, last), view, part_s)
    calls = float(rewrite.arguments["num_parallel_calls"])
    return {
        tag: dataclasses.replace(changed[tag], wall_s=0.0, cpu_s=0.0, is_server=False),
        last: _server(view, changed[last], timed, calls),
    }


def _vectorised(
    view: View,
    changed: Mapping[str, Cost],
    isolated: Isolated,
    rewrite: Rewrite,
    part_s: float,
) -> dict[str, Cost]:
    """Batches that are made first, by the thread that takes the elements, and maps of them.

    Both are run together, since they share the processors; the batching is run once more
    alone, for what is left to its thread to make the elements in.
    """
    tags = rewrite.tags
    first, batch = view.node(tags[0]), view.node(tags[-1])
    source = view.node(first.inputs[0])
    # A source such as a range is faster than what hands out elements that are kept.
    is_source_run = not source.inputs
    kept = isolated.kept[source.tag]
    feed = graphs.build(view.pipeline, source.tag) if is_source_run else kept
    batches = vectorised_rewrites.in_batches(view.pipeline, first, batch, feed.repeat())
    batching = timing.measure_alone(batches, part_s)
    timed = _as_it_runs(
        vectorised_rewrites.of_batches(view.pipeline, rewrite, batches), view, part_s
    )
    calls = float(rewrite.arguments["num_parallel_calls"])
    count = view.elements.get(batch.tag, 0.0)
    # A part takes no longer than the whole; alone it can, since it is not done in parallel.
    batching_s = min(batching.element_s, timed.element_s) * count
    batching_cpu_s = min(batching.cpu_s, timed.cpu_s) * count
    nothing = {
        tag: dataclasses.replace(changed[tag], wall_s=0.0, cpu_s=0.0, is_server=False)
        for tag in tags[1:-1]
    }
    of_source = changed[source.tag] if is_source_run else None
    return {
        **nothing,
        tags[0]: dataclasses.replace(
            changed[tags[0]],
            wall_s=max(batching_s - (of_source.wall_s if of_source else 0.0), 0.0),
            cpu_s=max(batching_cpu_s - (of_source.cpu_s if of_source else 0.0), 0.0),
            parallelism=0.0,
            is_server=False,
        ),
        tags[-1]: dataclasses.replace(
            _server(view, changed[tags[-1]], timed, calls),
            cpu_s=max(timed.cpu_s * count - batching_cpu_s, 0.0),
        ),
    }


def _anew(
    view: View,
    changed: Mapping[str, Cost],
    isolated: Isolated,
    rewrite: Rewrite,
    part_s: float,
) -> dict[str, Cost]:
    """Stages whose work is another one, in the threads in which it was done."""
    tags = rewrite.tags
    part = _part(view, isolated, rewrite, tags[-1])
    timed = timing.measure_alone(part, part_s)
    count = view.elements.get(tags[-1], 0.0)
    is_server = any(changed[tag].is_server for tag in tags)
    found = {tag: _scaled(changed[tag], 0.0) for tag in tags[:-1]}
    found[tags[-1]] = dataclasses.replace(
        changed[tags[-1]],
        wall_s=timed.element_s * count,
        cpu_s=timed.cpu_s * count,
        parallelism=float(view.cores) if is_server else 0.0,
        is_server=is_server,
    )
    return found


def _part(view: View, isolated: Isolated, rewrite: Rewrite, last: str) -> tf.data.Dataset:
    """What a rewrite changes, and no more, on elements that are kept in memory.

    Raises:
      GraphError: if the change can't be made.
    """
    first = view.node(rewrite.tags[0]).inputs[0]
    cut = graphs.read(graphs.build(view.pipeline, last))
    changed, made = catalogue.apply(cut, [rewrite])
    if not made:
        raise graphs.GraphError(f"{rewrite.kind} can't be made")
    # Only now: a pipeline that is read forgets what its caches have kept.
    return graphs.build(changed, feeds={first: isolated.kept[first].repeat()})


def _as_it_runs(dataset: tf.data.Dataset, view: View, part_s: float) -> Timing:
    """A part of the pipeline, with all that the runtime does in parallel and ahead."""
    with_options = dataset.with_options(options_of(view))
    timed = timing.measure(with_options, part_s, warmup_s=part_s * _WARMUP)
    if timed.element_s > _SHORT_SECONDS or not timing.is_batchable(dataset):
        return timed
    batches = with_options.batch(_BATCH, drop_remainder=True)
    several = timing.measure(batches, part_s, warmup_s=part_s * _WARMUP)
    return dataclasses.replace(
        several, element_s=several.element_s / _BATCH, cpu_s=several.cpu_s / _BATCH
    )


def _server(view: View, cost: Cost, timed: Timing, calls: float) -> Cost:
    """A stage that was measured as it runs, in threads of its own."""
    count = view.elements.get(cost.tag, 0.0)
    return dataclasses.replace(
        cost,
        wall_s=timed.element_s * count,
        cpu_s=timed.cpu_s * count,
        parallelism=calls,
        is_server=True,
        own_s=timed.element_s * count,
    )


def _ahead_of(changed: Mapping[str, Cost], view: View, tag: str) -> tuple[Cost, ...]:
    """The costs with a thread that takes a stage's elements ahead of the next one."""
    (taker,) = (node.tag for node in view.nodes if tag in node.inputs)
    thread = Cost(f"ahead of {taker}", (tag,), 0.0, 0.0, is_server=True)
    found = []
    for cost in changed.values():
        if cost.tag == taker:
            inputs = tuple(thread.tag if each == tag else each for each in cost.inputs)
            found += [thread, dataclasses.replace(cost, inputs=inputs)]
        else:
            found.append(cost)
    return tuple(found)


def _scaled(cost: Cost, factor: float) -> Cost:
    return dataclasses.replace(cost, wall_s=cost.wall_s * factor, cpu_s=cost.cpu_s * factor)


def _all_before(view: View, tag: str) -> list[str]:
    """A dataset and all that it takes elements of."""
    found, stack = [], [tag]
    while stack:
        each = stack.pop()
        found.append(each)
        stack += view.node(each).inputs
    return found
