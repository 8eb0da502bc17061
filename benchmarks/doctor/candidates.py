"""The rewrites that a pipeline offers, and what each is expected to gain."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import tensorflow as tf

from benchmarks.doctor import (
    catalogue,
    expectations,
    queueing,
    time_limits,
    timing,
    vectorised_rewrites,
)
from benchmarks.doctor.graphs import GraphError
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View

# What a change can lead to that can't be made, or whose part fails or gives too little.
_CANT_BE_TOLD = (
    GraphError,
    KeyError,
    tf.errors.OpError,
    timing.EmptyError,
    time_limits.TooSlowError,
)
# A part is run for a second at most; elements of seconds each take longer.
_MOST_PART_SECONDS, _MOST_SECONDS = 1.0, 10.0
# Parts that a change has run: some have two, and threads begin.
_PARTS = 3
# The time that a change is given, as a share of what its stages take: no less.
_LEAST_WEIGHT = 0.1


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A rewrite and what the model expects of it.

    Attributes:
      rewrite: the change.
      gain: rate after it over rate now.
      after: what the pipeline's stages would cost.
      is_measured: whether the rate now is one that was measured, and not the model's.
    """

    rewrite: Rewrite
    gain: float
    after: tuple[Cost, ...]
    is_measured: bool = False


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
    What concerns the stages that take most of the time is run longest: its gain is what
    people look at first, and it is a ratio of two short runs.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      isolated: elements that were kept of each stage.
      seconds: after which no further part of the pipeline is run as it would be.
      measured_s: from one element to the next as the pipeline runs, if it was measured.
    """
    found = []
    vectorised: set[str] = set()
    by_share = _by_share(view, now)
    weights = [max(share, _LEAST_WEIGHT) for _, share in by_share]
    with timing.deadline(seconds) as has_time:
        for (rewrite, _), weight in zip(by_share, weights, strict=True):
            fair_s = seconds / _PARTS * weight / sum(weights)
            part_s = min(max(fair_s, expectations.PART_SECONDS), _MOST_PART_SECONDS)
            is_vectorised = rewrite.kind == vectorised_rewrites.VECTORISE
            # The longest chain that can be made is given first.
            if is_vectorised and rewrite.tags[-1] in vectorised:
                continue
            try:
                expected = time_limits.within(
                    _MOST_SECONDS,
                    functools.partial(
                        expectations.after,
                        view,
                        now,
                        isolated,
                        rewrite,
                        may_measure=has_time(),
                        part_s=part_s,
                    ),
                )
            except _CANT_BE_TOLD:
                continue
            if expected is None:
                continue
            if is_vectorised:
                vectorised.add(rewrite.tags[-1])
            is_measured = measured_s is not None and expected.is_measured
            gain = _gain(view, now, expected, measured_s)
            found.append(Candidate(rewrite, gain, expected.costs, is_measured))
    return sorted(found, key=lambda candidate: -candidate.gain)


def _by_share(view: View, now: Sequence[Cost]) -> list[tuple[Rewrite, float]]:
    """All rewrites, first those of the stages that take most of the time, with that share.

    There may not be the time to run every part that would change.
    """
    shares = queueing.shares(now, view.cores)
    found = [
        (rewrite, max(shares.get(tag, 0.0) for tag in rewrite.tags))
        for rewrite in catalogue.find(view)
    ]
    return sorted(found, key=lambda each: -each[1])


def _gain(
    view: View,
    now: Sequence[Cost],
    expected: expectations.Expected,
    measured_s: float | None,
) -> float:
    """Rate after a rewrite over rate now.

    Errors of the model cancel out between the work there was and the same work done
    otherwise, and don't where other work is left or the new one was measured.
    """
    new_s = queueing.predict(expected.costs, view.cores, view.handover_s)
    if measured_s is not None and expected.is_measured:
        return measured_s / new_s
    return queueing.predict(now, view.cores, view.handover_s) / new_s
