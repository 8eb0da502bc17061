"""What the stages of a pipeline would cost after a rewrite.

What a rewrite has stages do otherwise is run as it would run, alone, on elements that are
kept in memory; what it only has them do less often is told from what they cost now.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow as tf

from benchmarks.doctor import (
    cache_rewrites,
    costs,
    filter_rewrites,
    fusing_rewrites,
    graphs,
    order_rewrites,
    parallel_rewrites,
    parts,
    prefetch_rewrites,
    scan_rewrites,
    setting_rewrites,
    timing,
    vectorised_rewrites,
    window_rewrites,
)
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View

# How long a part is run at least.
PART_SECONDS = 0.2
_FEWER = (order_rewrites.SKIP, order_rewrites.SHUFFLE)
# Whose stages can be run as they would be, those of which nothing can be told otherwise,
# and those that need no thread of their own.
_RUN = (
    *cache_rewrites.KINDS,
    *fusing_rewrites.KINDS,
    *vectorised_rewrites.KINDS,
    *window_rewrites.KINDS,
    *scan_rewrites.KINDS,
    *parallel_rewrites.KINDS,
    filter_rewrites.FILTER,
    setting_rewrites.OPTIONS,
)
_ONLY_RUN = (
    *fusing_rewrites.KINDS,
    *vectorised_rewrites.KINDS,
    *window_rewrites.KINDS,
    *scan_rewrites.KINDS,
    filter_rewrites.FILTER,
)
_SERIAL = (vectorised_rewrites.REBATCH, filter_rewrites.FILTER)
# Of stages that can't be run by themselves, such as behind two sources.
_NOT_RUN = (graphs.GraphError, KeyError, ValueError, timing.EmptyError, tf.errors.OpError)


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
    takes_kept = bool(view.node(tags[0]).inputs)
    if takes_kept:
        may_measure = may_measure and all(tag in view.alone for tag in tags)
    if kind in _RUN and may_measure:
        with contextlib.suppress(*_NOT_RUN):
            part = parts.run(view, isolated, rewrite, part_s)
            # What a full cache has already kept is never made again.
            is_run = view.elements.get(part.tags[-1], 0.0) > 0
            return Expected(_with_part(view, changed, rewrite, part), is_run)
    if kind in _ONLY_RUN:
        return None
    if kind in parallel_rewrites.KINDS:
        changed[tags[0]] = _in_parallel(view, changed[tags[0]], rewrite)
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


def _with_part(
    view: View, now: Mapping[str, Cost], rewrite: Rewrite, part: parts.Part
) -> tuple[Cost, ...]:
    """The costs with those of stages that were run in place of what they were.

    What was run has threads of its own, unless it works in that of who takes its elements
    and did before.
    """
    changed = dict(now)
    done = set(part.tags)
    if rewrite.kind in cache_rewrites.KINDS:
        done.update(_all_before(view, rewrite.tags[0]))
    last = part.tags[-1]
    count = view.elements.get(last, 0.0)
    element_s, cpu_s = part.timed.element_s * count, part.timed.cpu_s * count
    is_serial = (
        rewrite.kind in _SERIAL
        and "num_parallel_calls" not in rewrite.arguments
        and not any(changed[tag].is_server for tag in done)
    )
    for tag in done:
        nothing = _scaled(changed[tag], 0.0)
        changed[tag] = dataclasses.replace(nothing, is_server=False, own_s=None)
    batching_cpu_s = 0.0
    if part.batching is not None:
        batching_cpu_s = part.batching.cpu_s * count
        first = rewrite.tags[0]
        changed[first] = dataclasses.replace(
            changed[first], wall_s=part.batching.element_s * count, cpu_s=batching_cpu_s
        )
    changed[last] = dataclasses.replace(
        changed[last],
        wall_s=element_s,
        cpu_s=max(cpu_s - batching_cpu_s, 0.0),
        is_server=not is_serial,
        own_s=None if is_serial else element_s,
    )
    return tuple(changed.values())


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
