"""Which sets of rewrites are fastest together, by trial."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator, Sequence

from benchmarks.doctor import (
    catalogue,
    combining,
    parallel_rewrites,
    prefetch_rewrites,
    trials,
    variants,
)
from benchmarks.doctor.candidates import Candidate
from benchmarks.doctor.combining import LEAST_GAIN, Tuned
from benchmarks.doctor.graphs import Pipeline
from benchmarks.doctor.rewrites import Rewrite, View

# What is tried on its own too, without the changes that gain less.
_SURE_GAIN = 1.2
# Two equal pipelines differ by as much.
_NO_LOSS = 0.97
_CLEARLY = 1.03
# What is so much slower in the first round has no other one.
_HOPELESS = 0.92
# What is expected to gain as much is not tried without.
_NO_DOUBT = 1.5
# Part of the time that proofs may take, and of the rest that the choice may take.
_PROVING, _CHOOSING = 0.2, 0.5


def fastest(view: View, found: Sequence[Candidate], seconds: float) -> Tuned:
    """The fastest of some sets of changes, or none if all are slower.

    Args:
      view: the pipeline.
      found: what could be changed.
      seconds: for all of it.
    """
    attempts: list[Tuned] = []
    for attempt in _attempts(view, found, seconds * _PROVING):
        if attempt.rewrites and all(
            attempt.rewrites != other.rewrites for other in attempts
        ):
            attempts.append(attempt)
    if not attempts:
        return combining.combine(view, (), seconds=seconds * _PROVING)
    end = time.perf_counter() + seconds * (1 - _PROVING)
    chosen = _chosen(view, attempts, seconds * (1 - _PROVING) * _CHOOSING)
    if chosen is None:
        left = (*attempts[0].left, "nothing was changed: what could be was no faster")
        return Tuned(view.pipeline, view.pipeline, (), left, 0)
    doubtful = [each.rewrite for each in found if each.gain < _NO_DOUBT]
    refined = _refined(view, chosen, doubtful, end - time.perf_counter())
    if refined is chosen:
        return chosen
    shown = combining.proved(view.pipeline, refined.pipeline, seconds * _PROVING)
    return dataclasses.replace(refined, elements=shown.elements) if shown.holds else chosen


def _chosen(view: View, attempts: Sequence[Tuned], seconds: float) -> Tuned | None:
    """The fastest attempt; None if the pipeline is faster as it is.

    The first one is what the model thinks best: others have to be clearly better.
    """
    first, *others = attempts
    gains = _gains(
        view, first.pipeline, [view.pipeline, *(each.pipeline for each in others)], seconds
    )
    if gains is None:
        return None
    as_it_is, *of_others = gains
    best, gain = first, 1.0
    for other, of_other in zip(others, of_others, strict=True):
        if _is_clear(of_other) and of_other.median > gain:
            best, gain = other, of_other.median
    return best if as_it_is.median < gain / _NO_LOSS else None


def _refined(
    view: View, chosen: Tuned, doubtful: Sequence[Rewrite], seconds: float
) -> Tuned:
    """The same with other numbers or without one of the changes, if that is faster."""
    made = [
        (catalogue.apply(view.pipeline, wanted)[0], wanted)
        for wanted in variants.find(chosen.rewrites, doubtful, view.cores)
    ]
    gains = _gains(view, chosen.pipeline, [pipeline for pipeline, _ in made], seconds)
    clear = [number for number, gain in enumerate(gains or ()) if _is_clear(gain)]
    if gains is None or not clear:
        return chosen
    pipeline, rewrites = made[max(clear, key=lambda number: gains[number].median)]
    return dataclasses.replace(chosen, pipeline=pipeline, rewrites=rewrites)


def _is_clear(gain: trials.Gain) -> bool:
    return gain.median >= _CLEARLY and gain.least >= _NO_LOSS and gain.rounds > 1


def _gains(
    view: View, pipeline: Pipeline, others: Sequence[Pipeline], seconds: float
) -> list[trials.Gain] | None:
    """How many times as fast others are; 0 for what can't be run, None if it can't be."""
    with tempfile.TemporaryDirectory() as folder:
        tried = trials.compare(
            pipeline,
            others,
            seconds=seconds,
            folder=folder,
            pass_elements=view.filling_elements(),
            least=_HOPELESS,
        )
    if not tried.runs:
        return None
    return [trials.Gain(0.0, 0.0) if gain is None else gain for gain in tried.gains]


def _attempts(view: View, found: Sequence[Candidate], seconds: float) -> Iterator[Tuned]:
    """Sets of changes that could be best together, each proved to alter nothing.

    Where reading ahead gains, it is tried with threads for the reader, with one that takes
    its elements, and with neither: behind another change it can cost more than it gains.
    """
    between, readers = prefetch_rewrites.BETWEEN, parallel_rewrites.INTERLEAVE

    def without(*kinds: str) -> list[Candidate]:
        return [each for each in found if each.rewrite.kind not in kinds]

    ways = [without(between)]
    if any(each.rewrite.kind == between and each.gain >= LEAST_GAIN for each in found):
        ways.append(without(readers))
    ways.append(without(between, readers))
    ways.append([each for each in ways[0] if each.gain >= _SURE_GAIN])
    wanted: list[list[Rewrite]] = []
    for way in ways:
        rewrites = combining.worthwhile(view, way)
        if rewrites and rewrites not in wanted:
            wanted.append(rewrites)
            yield combining.combine(view, way, seconds=seconds)
