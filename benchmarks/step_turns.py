"""What all ways to train have in common when their steps are timed."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable

import numpy as np

from benchmarks.arms import MeasureError, Work

LEARNING_RATE = 1e-3
CLIP_NORM = 1.0
# Shorter turns vary more between rounds than arms that are worth comparing.
TURN_SECONDS = 2.0


def weighed(probabilities: np.ndarray) -> float:
    """A number that depends on every probability, `[b, classes]`."""
    return float(np.sum(probabilities * np.arange(1, probabilities.shape[1] + 1)))


def turn_of(
    step: Callable[[], float],
    start: float,
    batch_size: int,
    *,
    seconds: float = TURN_SECONDS,
    waited_s: Callable[[], float] = lambda: 0.0,
) -> Callable[[], Work]:
    """A turn of as many steps as fill some seconds; its time is that of one.

    Runs the first step at once. Its value is the turns' checksum, to a thousandth: arms
    that start from the same weights have to agree on it.

    Args:
      step: does one step and returns its loss or another number.
      start: of `time.perf_counter()`, when the model began to be built.
      batch_size: clips in a step.
      seconds: how long a turn lasts at least; 0 for a single step.
      waited_s: seconds that all steps so far have waited for their batches.

    Returns:
      The turn. Its notes are `first_step_s`, from `start` to the end of the first step,
      `input_wait_fraction`, which is waiting for batches over time of steps, and
      `peak_mib` of the process.
    """
    first = step()
    first_step_s = time.perf_counter() - start

    def turn() -> Work:
        times: list[float] = []
        waited_before_s = waited_s()
        while not times or sum(times) < seconds:
            begin = time.perf_counter()
            value = step()
            times.append(time.perf_counter() - begin)
            if not math.isfinite(value):
                raise MeasureError(f"a step gave {value}")
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        wait_fraction = (waited_s() - waited_before_s) / sum(times)
        return Work(
            count=batch_size,
            checksum=round(first * 1000),
            seconds=sum(times) / len(times),
            notes={
                "first_step_s": round(first_step_s, 2),
                "input_wait_fraction": round(wait_fraction, 4),
                "peak_mib": peak_mib,
            },
        )

    return turn
