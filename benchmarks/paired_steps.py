"""Training a way and the same way again, step by step in one process.

Steps of two processes of one program differed by up to 9 % as long as they lived, and those
of one second from the next by 7 %: a control with processes of its own tells little of the
turns. In one process, which is another in each round, what is left is how they are taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from benchmarks import keras_steps
from benchmarks.arms import Arm

# Before and behind the others of a round, each a step of either, there and back.
_TURNS_OF_FOUR = 5


def arms(
    names: tuple[str, str], timed: keras_steps.Step, weights: Any, group: str
) -> list[Arm]:
    """The way and the same again.

    Args:
      names: of both.
      timed: what a step is.
      weights: what they start from.
      group: of arms that do the same work.
    """
    step = dataclasses.replace(timed, turn_seconds=0)
    return [
        Arm(
            name,
            keras_steps.prepare,
            (step, weights),
            group,
            is_renewed=True,
            home=names[0],
        )
        for name in names
    ]


def order(names: tuple[str, str], others: Sequence[str]) -> list[str]:
    """The turns of a round.

    Args:
      names: of the pair.
      others: names of the other arms, which have one turn each.
    """
    turns = [*names, *reversed(names)] * _TURNS_OF_FOUR
    return [*turns, *others, *turns]
