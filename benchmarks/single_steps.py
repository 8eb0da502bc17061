"""Ways to train that share a process, a single step of each in turn.

Steps of two processes of one program differed by up to 9 % as long as they lived, and those
of one second from the next by 7 %: a control with processes of its own tells little of the
turns. In one process, which is another in each round, what is left is how they are taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks import keras_steps
from benchmarks.arms import Arm

# Before and behind the others of a round: a step of each way, there and back.
_TIMES = 5


def arms(steps: Mapping[str, keras_steps.Step], weights: Any, group: str) -> list[Arm]:
    """Arms of one home.

    Args:
      steps: what a step is, by the arm's name; of the same model.
      weights: what they start from.
      group: of arms that do the same work.
    """
    return [
        Arm(
            name,
            keras_steps.prepare,
            (dataclasses.replace(timed, turn_seconds=0), weights),
            group,
            is_renewed=True,
            home=", ".join(steps),
        )
        for name, timed in steps.items()
    ]


def order(names: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """The turns of a round: each way comes as often after another as before it.

    Args:
      names: of the arms that share a process.
      others: names of the other arms, which have one turn each.
    """
    there = list(names)
    turns = [*there, *reversed(there)] * _TIMES
    return [*turns, *others, *turns]
