"""Numbers of elements in the order in which stages hand them on, a batch in one step.

TensorFlow makes a tensor of each number of a range, to batch them, in one thread. Four
small maps of batches of 1,024 numbers were 4.6 times as fast without.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import tensorflow as tf

from benchmarks.doctor import addressing, reordering
from benchmarks.doctor.graphs import Node, Pipeline

_FOR_EVER = -1
# Numbers of a pass that comes for ever: a common multiple with a batch has to be an int64.
_MOST_FOR_EVER = 1 << 40


@dataclasses.dataclass(frozen=True)
class Course:
    """Numbers in even steps, perhaps several times over.

    Attributes:
      length: how many there are in one pass, 1 or more.
      first: the first of them.
      step: from one to the next.
      passes: how often they come; -1 for ever.
    """

    length: int
    first: int = 0
    step: int = 1
    passes: int = 1

    def starts(self, size: int, *, drop_remainder: bool) -> tf.data.Dataset:
        """For each batch the place of its first number, int64, counted in all passes.

        Args:
          size: of a batch.
          drop_remainder: whether a last batch that is smaller is left out.
        """
        if self.passes == _FOR_EVER:
            return tf.data.Dataset.range(0, math.lcm(self.length, size), size).repeat()
        total = self.length * self.passes
        return tf.data.Dataset.range(0, total - size + 1 if drop_remainder else total, size)

    def batch(self, start: tf.Tensor, size: int, *, drop_remainder: bool) -> tf.Tensor:
        """A batch of numbers, int64.

        Args:
          start: one of `starts`.
          size: as for these.
          drop_remainder: likewise.
        """
        places = start + tf.range(size, dtype=tf.int64)
        if not (drop_remainder or self.passes == _FOR_EVER):
            places = places[: self.length * self.passes - start]
        if self.passes != 1:
            places %= self.length
        return self.first + self.step * places


def course(count: int, pipeline: Pipeline, stages: Sequence[Node]) -> Course | None:
    """The numbers that some stages hand on; None if they are in no such order.

    Args:
      count: of the elements that the first of the stages would take.
      pipeline: where the stages are.
      stages: of `reordering.CALLS`, in pipeline order.
    """
    found = Course(count) if count > 0 else None
    for node in stages:
        if found is None:
            return None
        found = _behind(found, pipeline, node)
    return found


def _behind(found: Course, pipeline: Pipeline, node: Node) -> Course | None:
    """The numbers behind one more stage."""
    if node.op == reordering.PREFETCH:
        return found
    if node.op == reordering.SHARD:
        return _every(
            found,
            pipeline.constant(node.tag, "num_shards"),
            pipeline.constant(node.tag, "index"),
        )
    if node.op not in (reordering.SKIP, reordering.TAKE, reordering.REPEAT):
        return None
    count = pipeline.constant(node.tag, "count")
    if count is None:
        return None
    if node.op == reordering.REPEAT:
        return _again(found, int(count))
    if node.op == reordering.SKIP:
        return _part(found, int(count) if count >= 0 else found.length, found.length)
    return _part(found, 0, int(count) if count >= 0 else found.length)


def _every(found: Course, step: int | None, first: int | None) -> Course | None:
    """Numbers of one pass from one place on, some places apart."""
    if step is None or first is None or found.passes != 1 or first >= found.length:
        return None
    step, first = int(step), int(first)
    return Course(
        -((first - found.length) // step),
        found.first + first * found.step,
        found.step * step,
    )


def _part(found: Course, begin: int, end: int) -> Course | None:
    """Numbers of one pass from one place to another."""
    length = min(end, found.length) - begin
    if found.passes != 1 or length < 1:
        return None
    return Course(length, found.first + begin * found.step, found.step)


def _again(found: Course, times: int) -> Course | None:
    """Numbers of all passes, some times over; for ever if that is negative."""
    if times == 0:
        return None
    if times < 0 or found.passes == _FOR_EVER:
        passes, is_counted = _FOR_EVER, found.length <= _MOST_FOR_EVER
    else:
        passes = found.passes * times
        is_counted = passes * found.length <= addressing.MOST
    return dataclasses.replace(found, passes=passes) if is_counted else None
