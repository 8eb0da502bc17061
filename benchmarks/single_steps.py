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

# That each way trains on in a round, with more steps if they are short, since two of those
# differ more: of 8 clips by 12 % if conv_lstm trains, by 21 % if it infers (standard
# deviations of a step over the one before). Inferring takes a third of the time, and has
# three times as many.
_CLIPS, _STEPS_FOR_ONE = 640, {"train": 1, "infer": 3}
# Of going there and back, before and behind the others of a round.
_MOST_TIMES = 40


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


def order(
    names: Iterable[str],
    others: Iterable[str] = (),
    *,
    batch_size: int,
    kind: str = "train",
) -> list[str]:
    """The turns of a round: each way comes as often after another as before it.

    Args:
      names: of the arms that share a process.
      others: names of the other arms, which have one turn each.
      batch_size: clips in a step.
      kind: 'train' or 'infer'.
    """
    there = list(names)
    times = round(_CLIPS * _STEPS_FOR_ONE[kind] / 4 / batch_size)
    times = max(1, min(times, _MOST_TIMES))
    turns = [*there, *reversed(there)] * times
    return [*turns, *others, *turns]
