"""All rewrites of a pipeline, what each is expected to gain, and how it is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import ModuleType

from benchmarks.doctor import (
    cache_rewrites,
    costs,
    graphs,
    isolation,
    order_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    queueing,
    setting_rewrites,
    timing,
    vectorised_rewrites,
)
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View

# In the order in which they are made: what takes the place of stages comes after what
# moves them, then what has them run in parallel, and last what does not touch them.
_MODULES: tuple[ModuleType, ...] = (
    order_rewrites,
    cache_rewrites,
    vectorised_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    setting_rewrites,
)
# Stages whose new cost is measured, not derived.
_MEASURED = (
    vectorised_rewrites.VECTORISE,
    vectorised_rewrites.REBATCH,
    order_rewrites.FILTER,
)
# What is left after them is other work, of which the model errs for other reasons than of
# the work there was: the time that was measured is compared with, not the model's.
_OTHER_WORK = (vectorised_rewrites.VECTORISE, *cache_rewrites.KINDS)
_PARALLEL = (
    parallel_rewrites.MAP,
    parallel_rewrites.FILTER,
    parallel_rewrites.INTERLEAVE,
    parallel_rewrites.BATCH,
)
_SEGMENT_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A rewrite and what the model expects of it.

    Attributes:
      rewrite: the change.
      gain: rate after it over rate now.
      after: what the pipeline's stages would cost.
    """

    rewrite: Rewrite
    gain: float
    after: tuple[Cost, ...]


def find(
    view: View,
    now: Sequence[Cost],
    isolated: Isolated,
    *,
    seconds: float = math.inf,
    measured_s: float | None = None,
) -> list[Candidate]:
    """The rewrites that can be made, in order of what they gain.

    Of rewrites that exclude each other, such as two ways to vectorise, the best is given.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      isolated: elements that were kept of each stage.
      seconds: after which no further stage is measured anew.
      measured_s: from one element to the next as the pipeline runs, if it was measured.
    """
    with timing.deadline(seconds) as has_time:
        found = []
        for module in _MODULES:
            batches_done: set[str] = set()
            for rewrite in module.find(view):
                # The longest chain that can be made is given first.
                is_done = rewrite.tags[-1] in batches_done
                if rewrite.kind == vectorised_rewrites.VECTORISE and is_done:
                    continue
                try:
                    after = _after(view, now, isolated, rewrite, has_time())
                except (GraphError, KeyError):
                    continue
                if after is None:
                    continue
                batches_done.add(rewrite.tags[-1])
                old_s = queueing.predict(now, view.cores)
                if measured_s is not None and rewrite.kind in _OTHER_WORK:
                    old_s = measured_s
                new_s = queueing.predict(after, view.cores)
                gain = old_s / new_s
                found.append(Candidate(rewrite, gain, tuple(after)))
    return sorted(found, key=lambda candidate: -candidate.gain)


def apply(pipeline: Pipeline, chosen: Sequence[Rewrite]) -> tuple[Pipeline, list[Rewrite]]:
    """Makes changes one after the other, in the order that suits them.

    Args:
      pipeline: what to change.
      chosen: the changes.

    Returns:
      The pipeline, and the changes that were made: one whose stages another one has taken
      away, or that TensorFlow does not take, is left out.
    """
    made = []
    for module in _MODULES:
        for rewrite in chosen:
            if rewrite.kind not in module.KINDS:
                continue
            try:
                pipeline = module.apply(pipeline, rewrite)
            except (GraphError, KeyError, StopIteration):
                continue
            made.append(rewrite)
    return pipeline, made


def _after(
    view: View,
    now: Sequence[Cost],
    isolated: Isolated,
    rewrite: Rewrite,
    may_measure: bool,
) -> list[Cost] | None:
    """What stages would cost after a rewrite; None if that can't be told."""
    changed = {cost.tag: cost for cost in now}
    tags = rewrite.tags
    if rewrite.kind in _PARALLEL:
        calls = rewrite.arguments["num_parallel_calls"]
        if rewrite.kind == parallel_rewrites.INTERLEAVE:
            calls += rewrite.arguments.get("prefetch_input_elements", 0)
        calls = min(calls, costs.pool_threads(view) or calls)
        changed[tags[0]] = dataclasses.replace(
            changed[tags[0]], parallelism=float(calls), is_server=True
        )
    elif rewrite.kind in _MEASURED:
        if not may_measure:
            return None
        first = view.node(tags[0]).inputs[0]
        part = isolation.part(view.pipeline, tags[-1], isolated, first)
        new, made = apply(part, [rewrite])
        if not made:
            return None
        timed = timing.measure_alone(graphs.build(new), _SEGMENT_SECONDS)
        count = view.elements.get(tags[-1], 0.0)
        for tag in tags[:-1]:
            changed[tag] = dataclasses.replace(changed[tag], wall_s=0.0, cpu_s=0.0)
        is_server = any(changed[tag].is_server for tag in tags)
        wall_s, cpu_s = timed.element_s, timed.cpu_s
        # Maps of whole batches, which the runtime calls in parallel.
        is_server |= rewrite.kind == vectorised_rewrites.REBATCH
        if rewrite.kind == vectorised_rewrites.VECTORISE:
            is_server = True
            batches = vectorised_rewrites.in_batches(
                view.pipeline,
                view.node(tags[0]),
                view.node(tags[-1]),
                isolated.kept[first].repeat(),
            )
            batching = timing.measure_alone(batches, _SEGMENT_SECONDS)
            # That is done by the thread that takes the elements, one after the other.
            changed[tags[0]] = dataclasses.replace(
                changed[tags[0]],
                wall_s=min(batching.element_s, wall_s) * count,
                cpu_s=min(batching.cpu_s, cpu_s) * count,
                parallelism=0.0,
                is_server=False,
            )
            wall_s = max(wall_s - batching.element_s, 0.0)
            cpu_s = max(cpu_s - batching.cpu_s, 0.0)
        changed[tags[-1]] = dataclasses.replace(
            changed[tags[-1]],
            wall_s=wall_s * count,
            cpu_s=cpu_s * count,
            parallelism=float(view.cores) if is_server else 0.0,
            is_server=is_server,
        )
    elif rewrite.kind == order_rewrites.SHARD:
        shards = float(view.pipeline.constant(tags[-1], "num_shards"))
        for tag in tags[:-1]:
            changed[tag] = _scaled(changed[tag], 1 / shards)
    elif rewrite.kind in (cache_rewrites.LATER, cache_rewrites.BATCHES):
        for tag in tags[1:]:
            changed[tag] = _scaled(changed[tag], 0.0)
        fewer = view.elements.get(tags[-1], 0.0) / max(view.elements[tags[0]], 1e-9)
        changed[tags[0]] = _scaled(changed[tags[0]], min(fewer, 1.0))
    elif rewrite.kind == cache_rewrites.CACHE:
        for tag in _all_before(view, tags[0]):
            changed[tag] = _scaled(changed[tag], 0.0)
    elif rewrite.kind == setting_rewrites.OPTIONS:
        return costs.in_pipeline(view, options=None)
    elif rewrite.kind == prefetch_rewrites.BETWEEN:
        return _ahead_of(changed, view, tags[0])
    return list(changed.values())


def _ahead_of(changed: Mapping[str, Cost], view: View, tag: str) -> list[Cost]:
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
    return found


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
