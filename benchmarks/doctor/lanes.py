"""Where the stages of a pipeline with branches stand, one below the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from benchmarks.doctor.diagnosis import Stage


@dataclasses.dataclass(frozen=True)
class Lanes:
    """The places of stages and the ways of elements between them.

    A way goes straight down in the lane of the stage that it starts from, where no other
    stage is, and turns to the other lane just before the stage where it ends.

    Attributes:
      lane_of: the lane of each stage, from 0 on the left; rows are the stages in order.
      count: how many lanes there are, at least one.
      ways: rows of the stage that gives and of the one that takes.
      ends: rows of the stages whose elements no stage takes.
    """

    lane_of: tuple[int, ...]
    count: int
    ways: tuple[tuple[int, int], ...]
    ends: tuple[int, ...]


def lanes(stages: Sequence[Stage]) -> Lanes:
    """Gives each stage the lane of its first input, and a source the first free one.

    Args:
      stages: in pipeline order: the inputs of a stage come before it.
    """
    rows = {stage.number: row for row, stage in enumerate(stages)}
    ways = [
        (rows[number], row)
        for row, stage in enumerate(stages)
        for number in stage.inputs
        if rows.get(number, row) < row
    ]
    last_use = {source: max(row for of, row in ways if of == source) for source, _ in ways}
    lane_of: list[int] = []
    for row in range(len(stages)):
        inputs = [source for source, taker in ways if taker == row]
        # A lane is taken as long as an element goes down in it past this row.
        taken = {
            lane_of[source]
            for source in range(row)
            if last_use.get(source, len(stages)) > row
        }
        free = [lane_of[source] for source in inputs if lane_of[source] not in taken]
        lane = free[0] if free else next(n for n in range(row + 1) if n not in taken)
        lane_of.append(lane)
    return Lanes(
        lane_of=tuple(lane_of),
        count=max(lane_of, default=0) + 1,
        ways=tuple(ways),
        ends=tuple(row for row in range(len(stages)) if row not in last_use),
    )
