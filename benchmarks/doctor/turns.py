"""Pipelines that stay alive and are compared in short turns.

What begins anew for every run is measured with AUTOTUNE's search and caches that are being
filled, and seconds after what it is compared with, on machines that are faster and slower
for about a second at a time.
"""

from __future__ import annotations

import time

import tensorflow as tf

from benchmarks.doctor import building, graph_edits, timing
from benchmarks.doctor.graphs import Pipeline

# Of a turn, the part before it that is not counted: it takes what was made ahead.
_UNCOUNTED_PART = 0.5
# A pass that is as short is taken as a whole: its start may cost more than the rest.
_MOST_PASS_TURNS = 3.0
# When others have their turn, buffers are full, and the threads that fill them idle.
_IDLE_STEP_SECONDS, _IDLE_PART = 0.005, 0.2


class Source:
    """A pipeline that stays alive.

    Attributes:
      is_warm: whether as many elements were taken as were to warm up.
      element_s: from one element to the next, in the last turn or while it warmed up.
    """

    def __init__(
        self, dataset: tf.data.Dataset, *, warmup_s: float, warmup_elements: int = 0
    ) -> None:
        """Starts it, and takes elements for some time.

        Args:
          dataset: what to run; it begins anew when it ends.
          warmup_s: seconds that AUTOTUNE has.
          warmup_elements: at least as many are taken, if they come within ten times
            `warmup_s`.

        Raises:
          EmptyError: if the dataset has no elements.
        """
        self._elements = timing.Elements(dataset)
        self._elements.next()
        begin = time.perf_counter()
        taken, elapsed = self._take(warmup_s)
        self.element_s = elapsed / taken
        while taken < warmup_elements and time.perf_counter() - begin < 10 * warmup_s:
            taken += self._take(warmup_s / 4, most=warmup_elements - taken)[0]
        self.is_warm = taken >= warmup_elements

    def turn(self, seconds: float) -> float:
        """Takes elements for some time; returns the seconds from one to the next.

        Args:
          seconds: how long, at least one element. Whole passes are taken if they are short.
        """
        self._elements.attach()
        self._take(seconds * _UNCOUNTED_PART)
        passes = None
        length = self._elements.pass_elements
        if length is not None and length * self.element_s < _MOST_PASS_TURNS * seconds:
            passes = length
        taken, elapsed = self._take(seconds, multiple=passes or 1)
        self.element_s = elapsed / taken
        _wait_until_idle(seconds)
        return self.element_s

    def _take(
        self, seconds: float, *, multiple: int = 1, most: int | None = None
    ) -> tuple[int, float]:
        """How many elements were taken in which time."""
        take = self._elements.next
        begin = now = time.perf_counter()
        taken = 0
        while now - begin < seconds or not taken or taken % multiple:
            take()
            taken += 1
            if taken == most:
                break
            now = time.perf_counter()
        return taken, time.perf_counter() - begin


def start(
    pipeline: Pipeline, *, folder: str, warmup_s: float, warmup_elements: int = 0
) -> Source:
    """A source of a pipeline's elements, which is idle while another has its turn.

    Its buffers are short where TensorFlow would let them grow, and its file caches its own.

    Args:
      pipeline: which pipeline.
      folder: a directory for file caches.
      warmup_s: as for `Source`.
      warmup_elements: likewise.

    Raises:
      GraphError: if TensorFlow does not take the graph.
      EmptyError: if there are no elements.
    """
    own = graph_edits.with_own_files(graph_edits.with_short_buffers(pipeline), folder)
    return Source(
        graph_edits.prefetched_shortly(building.build(own), own),
        warmup_s=warmup_s,
        warmup_elements=warmup_elements,
    )


def pair(
    left: Source, right: Source, *, seconds: float, is_turned: bool
) -> tuple[float, float]:
    """A turn of each of two pipelines; seconds from one element to the next.

    Args:
      left: one pipeline.
      right: another one.
      seconds: of a turn.
      is_turned: whether the right one has its turn first.
    """
    if is_turned:
        right_s = right.turn(seconds)
        return left.turn(seconds), right_s
    return left.turn(seconds), right.turn(seconds)


def _wait_until_idle(most_s: float) -> None:
    """Waits until no thread of the process works, for some time at most."""
    end = time.perf_counter() + most_s
    used = time.process_time()
    while time.perf_counter() < end:
        time.sleep(_IDLE_STEP_SECONDS)
        before, used = used, time.process_time()
        if used - before < _IDLE_PART * _IDLE_STEP_SECONDS:
            return
