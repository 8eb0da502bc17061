"""The pipeline beside what takes its elements, and whether both work at the same time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import tensorflow as tf

from benchmarks.doctor import building, graph_edits, prefetch_rewrites, prescribing, timing
from benchmarks.doctor.diagnosis import Prescription
from benchmarks.doctor.rewrites import View

_ROUNDS = 3
_LEAST_STEPS = 3
_WARMUP = 0.3


def prescribe(
    view: View, *, step_s: float, element_s: float, seconds: float, folder: str
) -> Prescription | None:
    """A prefetch at the end, if a consumer that is slower waits for the pipeline without.

    A pipeline without one begins an element only when it is asked for, so that a step
    takes as long as both together, unless the runtime works ahead by itself. It does in
    TensorFlow 2.21, but not where the options turn AUTOTUNE or its optimisations off.

    Args:
      view: the pipeline.
      step_s: time in which the consumer deals with an element. It sleeps meanwhile, as a
        thread does that waits for an accelerator.
      element_s: from one element to the next of the pipeline alone, at most `step_s`.
      seconds: about how long to try.
      folder: a directory for file caches.

    Returns:
      The prescription, with the gain in steps a second; None if nothing is gained, or if
      steps take so long that there is no time to find out.
    """
    missing = [
        rewrite
        for rewrite in prefetch_rewrites.find(view)
        if rewrite.kind == prefetch_rewrites.PREFETCH
    ]
    # Some steps of either, and one before them that is not counted.
    round_s = 2 * (_LEAST_STEPS + 1) * step_s
    rounds = min(_ROUNDS, int(seconds / round_s))
    if not missing or not rounds:
        return None
    (rewrite,) = missing
    arms = [view.pipeline, prefetch_rewrites.apply(view.pipeline, rewrite)]
    gains = []
    for number in range(rounds):
        taken = {}
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            dataset = building.build(graph_edits.with_own_files(arms[which], folder))
            taken[which] = steps_s(dataset, step_s, seconds / (2 * rounds))
        gains.append(taken[0] / taken[1])
    gain = statistics.median(gains)
    if gain < prescribing.LEAST_GAIN or min(gains) < prescribing.SURE_GAIN:
        return None
    predicted = (step_s + element_s) / step_s
    return prescribing.prescription(view, rewrite, predicted, gain, (rewrite,))


def steps_s(
    dataset: tf.data.Dataset,
    step_s: float,
    seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds from one step to the next of a consumer that sleeps over each element.

    Args:
      dataset: what it takes the elements of; it begins anew when it ends.
      step_s: how long it sleeps.
      seconds: how long to look at it, some steps at least.
      sleep: sleeps so many seconds.
      clock: seconds that go up.

    Raises:
      benchmarks.doctor.timing.EmptyError: if the dataset has no elements.
    """
    source = timing.Elements(dataset)
    begin = clock()
    while True:
        source.next()
        sleep(step_s)
        if clock() - begin >= _WARMUP * seconds:
            break
    begin = clock()
    steps = 0
    while True:
        source.next()
        sleep(step_s)
        steps += 1
        elapsed = clock() - begin
        if elapsed >= (1 - _WARMUP) * seconds and steps >= _LEAST_STEPS:
            return elapsed / steps
