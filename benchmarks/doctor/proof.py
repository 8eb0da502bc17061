"""Whether two datasets give equal elements in equal order, as far as a sample tells."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.doctor import building, graph_edits
from benchmarks.doctor.graphs import Pipeline
from benchmarks.doctor.timing import sequential

_SEEDS = (20_080_417, 1_234_567)
_RANDOM = ("ShuffleDatasetV3", "ShuffleDatasetV2", "RandomDatasetV2")


@dataclasses.dataclass(frozen=True)
class Proof:
    """What a comparison has shown.

    Attributes:
      elements: that were compared.
      is_whole: whether both ended, so that all elements were compared.
      difference: what differed first, in words; "" if nothing did.
    """

    elements: int
    is_whole: bool
    difference: str

    @property
    def holds(self) -> bool:
        """Whether elements were compared, or there are none, and were all equal."""
        return not self.difference and (self.elements > 0 or self.is_whole)


def compare(
    old: Pipeline, new: Pipeline, *, seconds: float = 2.0, most: int = 512
) -> Proof:
    """Compares the first elements of two pipelines.

    Shuffles without a seed get the same one in both.

    Args:
      old: one of them.
      new: the other one.
      seconds: after which no further element is taken.
      most: elements to compare.
    """
    if old.element_spec != new.element_spec:
        return Proof(0, False, f"{new.element_spec} instead of {old.element_spec}")
    with tempfile.TemporaryDirectory() as folder:
        # The old one as it is written, and the new one as it will run.
        old, new = (graph_edits.with_own_files(seeded(each), folder) for each in (old, new))
        left = iter(_in_order(sequential(building.build(old))))
        right = iter(_in_order(building.build(new)))
        return _compare(left, right, seconds, most)


def _compare(left: Iterator[Any], right: Iterator[Any], seconds: float, most: int) -> Proof:
    begin = time.perf_counter()
    for number in range(most):
        ends = []
        elements = []
        for side in (left, right):
            try:
                elements.append(next(side))
                ends.append(False)
            except StopIteration:
                ends.append(True)
        if any(ends):
            difference = "" if all(ends) else f"only one of both ends after {number}"
            return Proof(number, True, difference)
        difference = _difference(*elements)
        if difference:
            return Proof(number, False, f"element {number}: {difference}")
        if time.perf_counter() - begin > seconds:
            return Proof(number + 1, False, "")
    return Proof(most, False, "")


def _in_order(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset with an order that can be compared, where its author wants none."""
    options = tf.data.Options()
    options.deterministic = True
    return dataset.with_options(options)


def seeded(pipeline: Pipeline) -> Pipeline:
    """The pipeline with seeds for shuffles that have none."""
    changed = graph_edits.edited(pipeline)
    for node in pipeline.nodes:
        if node.op in _RANDOM:
            seeds = [pipeline.constant(node.tag, name) for name in ("seed", "seed2")]
            if all(seed is not None and int(seed) == 0 for seed in seeds):
                for name, value in zip(("seed", "seed2"), _SEEDS, strict=True):
                    graph_edits.set_argument(changed, node.tag, name, value)
    return changed


def _difference(old: Any, new: Any) -> str:
    old_flat = tf.nest.flatten(old, expand_composites=True)
    new_flat = tf.nest.flatten(new, expand_composites=True)
    for number, (one, other) in enumerate(zip(old_flat, new_flat, strict=True)):
        if one.dtype != other.dtype or one.shape != other.shape:
            return (
                f"component {number} is {other.dtype.name} {other.shape}, expected "
                f"{one.dtype.name} {one.shape}"
            )
        if one.dtype in (tf.variant, tf.resource):
            return f"component {number} can't be compared"
        left, right = one.numpy(), other.numpy()
        if one.dtype == tf.string:
            same = np.array_equal(left, right)
        else:
            # Bytes, so that NaN equals itself and -0.0 does not equal 0.0.
            same = left.tobytes() == right.tobytes()
        if not same:
            return f"component {number} has other values"
    return ""
