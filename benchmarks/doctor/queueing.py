"""What limits a pipeline whose stages' costs are known.

A pipeline is as fast as the slowest of its servers. A thread that pulls elements through
stages that run one after the other is one; a stage that works on several elements at once
is one for each; and all processors together are one. The model is that of operational
analysis (Denning and Buzen, "The operational analysis of queueing network models", 1978),
which Plumber (Kuchnik et al., MLSys 2022) and tf.data's own tuner use too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

# What it takes to hand over an element that is ready, where that was not measured.
HANDOVER_SECONDS = 18e-6


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a stage costs for one element of the whole pipeline.

    Attributes:
      tag: of the stage.
      inputs: tags of the stages that it takes elements of.
      wall_s: of all its work, one element after the other.
      cpu_s: of all its work, on all threads.
      parallelism: elements that it works on at once.
      has_lock: whether only one thread at a time can work, as with Python code; waiting
        can overlap.
      is_server: whether it works in threads of its own, ahead of who takes its elements.
      own_s: from one element to the next of a server that was measured as it runs; None if
        that has to be told from the other figures.
    """

    tag: str
    inputs: tuple[str, ...]
    wall_s: float
    cpu_s: float
    parallelism: float = 1.0
    has_lock: bool = False
    is_server: bool = False
    own_s: float | None = None

    def server_s(self, cores: int) -> float:
        """How long its own threads are busy for one element of the whole pipeline."""
        if self.own_s is not None:
            return self.own_s
        parallelism = max(self.parallelism, 1.0)
        busy_s = min(self.cpu_s, self.wall_s)
        at_once = 1.0 if self.has_lock else min(parallelism, cores)
        return busy_s / at_once + (self.wall_s - busy_s) / parallelism


@dataclasses.dataclass(frozen=True)
class Limit:
    """One server of a pipeline.

    Attributes:
      about: "processors", "thread" or "stage".
      seconds: that it is busy for one element of the whole pipeline.
      loads: seconds of each stage in it, by tag.
    """

    about: str
    seconds: float
    loads: Mapping[str, float]


def limits(costs: Sequence[Cost], cores: int) -> list[Limit]:
    """The servers of a pipeline, the slowest first.

    Args:
      costs: of its stages, each after those it takes elements of; the last is the end.
      cores: processors there are.
    """
    by_tag = {cost.tag: cost for cost in costs}
    found: list[Limit] = []

    def close(loads: Mapping[str, float], about: str) -> None:
        if loads:
            found.append(Limit(about, sum(loads.values()), dict(loads)))

    pulled: dict[str, dict[str, float]] = {}
    for cost in costs:
        # What the thread that pulls an element out of this stage does.
        loads: dict[str, float] = {}
        for tag in cost.inputs:
            loads.update(pulled[tag])
        if cost.is_server:
            close(loads, "thread")
            close({cost.tag: cost.server_s(cores)}, "stage")
            loads = {}
        else:
            loads[cost.tag] = loads.get(cost.tag, 0.0) + cost.wall_s
        pulled[cost.tag] = loads
    close(pulled[costs[-1].tag], "thread")
    close({tag: cost.cpu_s / cores for tag, cost in by_tag.items()}, "processors")
    return sorted(found, key=lambda limit: -limit.seconds)


def shares(costs: Sequence[Cost], cores: int) -> dict[str, float]:
    """Which part of the slowest server's time each stage takes, from 0 to 1, by tag."""
    slowest = limits(costs, cores)[0]
    total = slowest.seconds or 1.0
    return {cost.tag: slowest.loads.get(cost.tag, 0.0) / total for cost in costs}


def predict(
    costs: Sequence[Cost], cores: int, handover_s: float = HANDOVER_SECONDS
) -> float:
    """Seconds from one element of the whole pipeline to the next.

    Args:
      costs: of its stages.
      cores: processors there are.
      handover_s: what it takes at least to hand over one of its elements.
    """
    return max(limits(costs, cores)[0].seconds, handover_s)
