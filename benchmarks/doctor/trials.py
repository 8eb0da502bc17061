"""Trying rewrites: the pipeline with and without them, in turns."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Sequence

import tensorflow as tf

from benchmarks.doctor import (
    cache_rewrites,
    catalogue,
    graph_edits,
    graphs,
    time_limits,
    timing,
)
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.rewrites import Rewrite

_ROUNDS = 3
_LEAST_SECONDS, _MOST_SECONDS = 0.25, 1.5


@dataclasses.dataclass(frozen=True)
class Gain:
    """Rates after over rates before, of several rounds.

    Attributes:
      median: of all rounds.
      least: of all rounds.
      rounds: that there were time for.
    """

    median: float
    least: float
    rounds: int = _ROUNDS


@dataclasses.dataclass(frozen=True)
class Tried:
    """What trials have shown.

    Attributes:
      gains: of each set of changes; None if it fails, or would have a cache that could not
        be filled in the time.
      unchanged_s: from one element of the unchanged pipeline to the next, in each round.
    """

    gains: tuple[Gain | None, ...]
    unchanged_s: tuple[float, ...] = ()

    @property
    def spread(self) -> float:
        """Of the unchanged pipeline's rates, over their median."""
        times = self.unchanged_s
        return (max(times) - min(times)) / statistics.median(times) if times else 0.0


def run(
    pipeline: Pipeline,
    changes: Sequence[Sequence[Rewrite]],
    *,
    seconds: float,
    folder: str,
    pass_elements: int = 0,
    least: float = 0.0,
    rounds: int = _ROUNDS,
) -> Tried:
    """Measures what sets of changes gain.

    Each round runs the pipeline as it is and with each set of changes, every other round
    the other way round; the first seconds of each run are not counted.

    Args:
      pipeline: what to change.
      changes: the sets.
      seconds: for all of it.
      folder: a directory for file caches.
      pass_elements: elements in a pass; caches are filled with as many before anything is
        counted.
      least: a change that gains less in the first round has no other one.
      rounds: how many there are, if there is time for them.
    """
    arms: list[Pipeline | None] = [pipeline]
    for rewrites in changes:
        changed, made = catalogue.apply(pipeline, rewrites)
        arms.append(changed if made else None)
    running = sum(arm is not None for arm in arms)
    each_s = seconds / (running * rounds)
    # Two thirds warm up, since AUTOTUNE begins anew.
    each_s = min(max(each_s / 3, _LEAST_SECONDS / 2), _MOST_SECONDS)
    times: list[list[float]] = [[] for _ in arms]
    begin = time.perf_counter()
    for number in range(rounds):
        # One round can't tell a gain from chance: the second is the last to be given up.
        end = begin + (2.0 if number == 1 else 1.5) * seconds
        order = range(len(arms)) if number % 2 == 0 else range(len(arms) - 1, -1, -1)
        for which in order:
            arm = arms[which]
            if arm is None or (number and time.perf_counter() > end):
                continue
            if number and which and times[0][0] < least * times[which][0]:
                continue
            try:
                timed = time_limits.within(
                    6 * each_s + 10,
                    lambda arm=arm: timing.measure(  # type: ignore[misc]
                        graphs.build(graph_edits.with_own_files(arm, folder)),
                        each_s,
                        warmup_s=1.5 * each_s,
                        warmup_elements=pass_elements,
                    ),
                )
            except (
                GraphError,
                tf.errors.OpError,
                timing.EmptyError,
                time_limits.TooSlowError,
            ):
                arms[which] = None
                continue
            if which and not timed.is_warm and _adds_cache(changes[which - 1]):
                # What it has cost to fill it is not what it gains.
                arms[which] = None
                continue
            times[which].append(timed.element_s)
    if arms[0] is None:
        return Tried(tuple(None for _ in changes))
    return Tried(
        tuple(
            _gain(times[0], times[number]) if arms[number] is not None else None
            for number in range(1, len(arms))
        ),
        tuple(times[0]),
    )


def _adds_cache(rewrites: Sequence[Rewrite]) -> bool:
    return any(each.kind in cache_rewrites.KINDS for each in rewrites)


def _gain(before: Sequence[float], after: Sequence[float]) -> Gain | None:
    ratios = [old / new for old, new in zip(before, after, strict=False)]
    if not ratios:
        return None
    return Gain(statistics.median(ratios), min(ratios), len(ratios))
