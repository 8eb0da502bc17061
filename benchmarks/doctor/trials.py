"""Trying rewrites: the pipeline with and without them, in turns."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import statistics
import time
from collections.abc import Container, Sequence

import tensorflow as tf

from benchmarks import measure
from benchmarks.doctor import (
    cache_rewrites,
    catalogue,
    time_limits,
    timing,
    turns,
)
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.rewrites import Rewrite

# Of a change's time, until what it makes has found its numbers of parallel calls.
_WARMING = 0.3
_LEAST_WARMUP_SECONDS, _MOST_WARMUP_SECONDS = 0.2, 2.0
# Of a change, however late it is: one round can't tell a gain from chance.
_LEAST_SECONDS = 0.7
_ROUNDS = 3
# Two seconds of each of two equal streams in turn told their ratio with a standard error of
# 1.3 % in turns of 0.03 s, 1.8 % of 0.09 s and 2.5 % of 0.3 s. Each holds some elements.
_TURN_SECONDS, _TURN_ELEMENTS, _MOST_PAIRS = 0.05, 4.0, 6
# What a turn takes with what is not counted, in turns.
_WHOLE_TURN = 2.5
# Times the seconds that something should take.
_PATIENCE = 10.0
_FAILURES = (GraphError, tf.errors.OpError, timing.EmptyError, time_limits.TooSlowError)


@dataclasses.dataclass(frozen=True)
class Gain:
    """Rates after over rates before.

    Attributes:
      median: of all turns, each way round as often.
      least: of a round of turns.
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
      unchanged_s: from one element to the next of the unchanged pipeline, in each round.
      runs: whether the unchanged pipeline could be run.
    """

    gains: tuple[Gain | None, ...]
    unchanged_s: tuple[float, ...] = ()
    runs: bool = True

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
    is_strict: bool = False,
) -> Tried:
    """Measures what sets of changes gain.

    Args:
      pipeline: what to change.
      changes: the sets.
      seconds: for all of it.
      folder: a directory for file caches.
      pass_elements: elements in a pass; caches are filled with as many before anything is
        counted.
      least: a change that gains less in the first round has no other one.
      is_strict: whether changes for which no time is left are not tried; they have no gain.
    """
    begin = time.perf_counter()
    made = [catalogue.apply(pipeline, rewrites) for rewrites in changes]
    # To convert loops and branches takes its time too.
    left_s = seconds - (time.perf_counter() - begin)
    return compare(
        pipeline,
        [changed if rewrites else None for changed, rewrites in made],
        seconds=max(left_s, _LEAST_SECONDS),
        folder=folder,
        pass_elements=pass_elements,
        fills=[number for number, (_, each) in enumerate(made) if _adds_cache(each)],
        least=least,
        is_strict=is_strict,
    )


def compare(
    pipeline: Pipeline,
    others: Sequence[Pipeline | None],
    *,
    seconds: float,
    folder: str,
    pass_elements: int = 0,
    fills: Container[int] = (),
    least: float = 0.0,
    is_strict: bool = False,
) -> Tried:
    """Measures how many times as fast other pipelines are.

    The first one stays alive, and takes turns with one other after the other, every other
    time the other way round.

    Args:
      pipeline: what to compare with.
      others: the others; None for one that can't be made.
      seconds: for all of it.
      folder: a directory for file caches.
      pass_elements: elements that each gives before anything is counted, if there is time.
      fills: numbers of the others for which there has to be.
      least: one that gains less in the first round has no other one.
      is_strict: whether those for which no time is left are not tried; they have no gain.
    """
    left = sum(other is not None for other in others)
    gains: list[Gain | None] = [None] * len(others)
    unchanged_s: list[float] = []
    end = time.perf_counter() + seconds
    start = functools.partial(_start, folder=folder, pass_elements=pass_elements)
    before: turns.Source | None = None
    took_s = 0.0
    for number, other in enumerate(others):
        begin = time.perf_counter()
        # On average it is over in time, if it takes as long as the one before.
        if other is None or (is_strict and begin + took_s / 2 > end):
            continue
        if before is None:
            try:
                before = start(pipeline, seconds / (left + 1))
            except _FAILURES:
                return Tried(tuple(gains), runs=False)
        share_s = max((end - time.perf_counter()) / left, _LEAST_SECONDS)
        left -= 1
        with contextlib.suppress(*_FAILURES):
            after = start(other, share_s)
            # What it has cost to fill a cache is not what it gains.
            if after.is_warm or number not in fills:
                rounds = _rounds(before, after, share_s, least)
                gains[number] = _gain(rounds)
                unchanged_s += [
                    statistics.median(pair[0] for pair in each) for each in rounds
                ]
        took_s = time.perf_counter() - begin
    return Tried(tuple(gains), tuple(unchanged_s))


def _start(
    pipeline: Pipeline, seconds: float, *, folder: str, pass_elements: int
) -> turns.Source:
    """A pipeline that has warmed up for a part of some seconds."""
    warmup_s = min(max(_WARMING * seconds, _LEAST_WARMUP_SECONDS), _MOST_WARMUP_SECONDS)
    started: turns.Source = time_limits.within(
        _PATIENCE * warmup_s + _PATIENCE,
        lambda: turns.start(
            pipeline, folder=folder, warmup_s=warmup_s, warmup_elements=pass_elements
        ),
    )
    return started


def _rounds(
    before: turns.Source, after: turns.Source, seconds: float, least: float
) -> list[list[tuple[float, float]]]:
    """Seconds an element before and after, of the pairs of turns of each round."""
    counted_s = (1 - _WARMING) * seconds
    least_turn_s = _TURN_ELEMENTS * max(before.element_s, after.element_s)
    turn_s = max(_TURN_SECONDS, min(least_turn_s, counted_s / (2 * _WHOLE_TURN * _ROUNDS)))
    pair_s = 2 * _WHOLE_TURN * turn_s
    # Each way round as often.
    pairs = 2 * max(1, min(round(counted_s / pair_s / _ROUNDS / 2), _MOST_PAIRS // 2))
    begin = time.perf_counter()
    rounds: list[list[tuple[float, float]]] = []
    for number in range(_ROUNDS):
        # One round can't tell a gain from chance: the second is the last to be given up.
        end = begin + (2.0 if number == 1 else 1.5) * seconds
        if number and time.perf_counter() > end:
            break
        of_round: list[tuple[float, float]] = []
        while len(of_round) < pairs and (not of_round or time.perf_counter() < end):
            turn = functools.partial(
                turns.pair, before, after, seconds=turn_s, is_turned=len(of_round) % 2 == 1
            )
            of_round.append(time_limits.within(_PATIENCE * (pair_s + 1), turn))
        rounds.append(of_round)
        if _ratio(of_round) < least:
            break
    return rounds


def _adds_cache(rewrites: Sequence[Rewrite]) -> bool:
    return any(each.kind in cache_rewrites.KINDS for each in rewrites)


def _gain(rounds: Sequence[Sequence[tuple[float, float]]]) -> Gain:
    return Gain(
        _ratio([pair for each in rounds for pair in each]),
        min(map(_ratio, rounds)),
        len(rounds),
    )


def _ratio(pairs: Sequence[tuple[float, float]]) -> float:
    return measure.ratio_of_rounds([before_s / after_s for before_s, after_s in pairs])
