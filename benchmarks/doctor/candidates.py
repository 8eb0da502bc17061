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
      seconds: after which no further part of the pipeline is run as it would be.
      measured_s: from one element to the next as the pipeline runs, if it was measured.
    """
    found = []
    vectorised: set[str] = set()
    rewrites = _by_share(view, now)
    fair_s = seconds / (_PARTS * max(len(rewrites), 1))
    part_s = min(max(fair_s, expectations.PART_SECONDS), _MOST_PART_SECONDS)
    with timing.deadline(seconds) as has_time:
        for rewrite in rewrites:
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
            gain = _gain(view, now, expected, measured_s)
            found.append(Candidate(rewrite, gain, expected.costs))
    return sorted(found, key=lambda candidate: -candidate.gain)


def _by_share(view: View, now: Sequence[Cost]) -> list[Rewrite]:
    """All rewrites, first those of the stages that take most of the time.

    There may not be the time to run every part that would change.
    """
    shares = queueing.shares(now, view.cores)
    return sorted(
        catalogue.find(view),
        key=lambda rewrite: -max(shares.get(tag, 0.0) for tag in rewrite.tags),
    )


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
