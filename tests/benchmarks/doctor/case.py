"""A pipeline to try the doctor on, and what is known about it."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

MakeDataset = Callable[[], tf.data.Dataset]


def no_oracle(folder: pathlib.Path) -> list[MakeDataset]:
    """Nothing to compare with."""
    del folder
    return []


@dataclasses.dataclass(frozen=True)
class Case:
    """A pipeline, and what is known about it.

    Attributes:
      name: of the case.
      make: prepares files in a folder, the same each time and only if they are missing,
        and returns what makes the dataset; its elements are equal each time.
      culprit: names of stages of which any is right as the bottleneck; empty if it does
        not matter.
      kinds: prescriptions of which any is the cure; empty if nothing is to be prescribed.
      oracle: takes that folder and returns makers of datasets with equal elements in equal
        order, configured by hand; none if only the user can cure the fault.
      is_tunable: whether `tune` should come near the best of the oracle.
      fails_at: name of the stage whose function raises; empty if none does.
      is_repeatable: whether elements are the same each time.
    """

    name: str
    make: Callable[[pathlib.Path], MakeDataset]
    culprit: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    oracle: Callable[[pathlib.Path], list[MakeDataset]] = no_oracle
    is_tunable: bool = False
    fails_at: str = ""
    is_repeatable: bool = True


def taken_ahead(dataset: tf.data.Dataset, elements: int) -> tf.data.Dataset:
    """The dataset with some of its elements prefetched, if there are to be any."""
    return dataset.prefetch(elements, name="ahead") if elements else dataset


def grid(
    make: Callable[..., MakeDataset], **choices: tuple[Any, ...]
) -> Callable[[pathlib.Path], list[MakeDataset]]:
    """An oracle: one pipeline with all combinations of options."""

    def oracle(folder: pathlib.Path) -> list[MakeDataset]:
        return [
            make(folder, **dict(zip(choices, values, strict=True)))
            for values in itertools.product(*choices.values())
        ]

    return oracle
