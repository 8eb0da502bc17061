"""How many elements a dataset has, where TensorFlow can't tell.

Readers of files never know their number of records, and what comes behind them neither.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import tensorflow as tf

from benchmarks.doctor import building, time_limits, timing, traits
from benchmarks.doctor.graphs import Node, Pipeline

UNKNOWN = -1
_ONE_FOR_ONE = (
    "CacheDataset",
    "CacheDatasetV2",
    "EnumerateDataset",
    "MapDataset",
    "OptionsDataset",
    "ParallelMapDatasetV2",
    "PrefetchDataset",
    "ShuffleDataset",
    "ShuffleDatasetV2",
    "ShuffleDatasetV3",
)
_BATCHES = (
    "BatchDatasetV2",
    "PaddedBatchDatasetV2",
    "ParallelBatchDataset",
)
# What stores elements, in files or in memory.
_STORING = ("Cache", "Save", "Snapshot")
_PATIENCE_SECONDS = 1.0


def elements(
    pipeline: Pipeline,
    tag: str,
    *,
    seconds: float = _PATIENCE_SECONDS,
    counted: dict[str, int] | None = None,
) -> int:
    """How many elements a dataset gives until it ends.

    What maps and batches take is counted instead of what they give, which may take much
    longer.

    Args:
      pipeline: where the dataset is.
      tag: of the dataset.
      seconds: for counting them.
      counted: what has been counted of the pipeline, which is not counted again; what is
        counted now is added.

    Returns:
      Their number; `UNKNOWN` if there is no end, if there are more than can be counted in
      the time, or if making them runs Python code or leaves something changed or stored.
    """
    known = int(building.build(pipeline, tag).cardinality().numpy())
    if known >= 0 or known == tf.data.INFINITE_CARDINALITY:
        return max(known, UNKNOWN)
    node = pipeline.node(tag)
    steps: list[Callable[[int], int]] = []
    while (step := _step(pipeline, node)) is not None:
        steps.append(step)
        node = pipeline.node(node.inputs[0])
    counted = {} if counted is None else counted
    if node.tag not in counted:
        counted[node.tag] = (
            _count(building.build(pipeline, node.tag), seconds)
            if _is_pure_up_to(pipeline, node)
            else UNKNOWN
        )
    found = counted[node.tag]
    for step in reversed(steps):
        found = step(found) if found != UNKNOWN else UNKNOWN
    return found


def _step(pipeline: Pipeline, node: Node) -> Callable[[int], int] | None:
    """How many elements a stage gives for some that it takes, if that is known."""
    if node.op in _ONE_FOR_ONE:
        return lambda taken: taken
    if node.op not in _BATCHES:
        return None
    size = pipeline.constant(node.tag, "batch_size")
    drop = pipeline.constant(node.tag, "drop_remainder")
    if size is None or drop is None:
        return None
    part = int(size) - 1 if not drop else 0
    return lambda taken: (taken + part) // int(size)


def _is_pure_up_to(pipeline: Pipeline, node: Node) -> bool:
    unseen = [node]
    while unseen:
        found = unseen.pop()
        kind = traits.of(pipeline, found)
        changes = kind.is_stateful or kind.is_python or kind.is_generator
        if changes or any(op.startswith(_STORING) for op in (found.op, *kind.operations)):
            return False
        unseen += [pipeline.node(tag) for tag in found.inputs]
    return True


def _count(dataset: tf.data.Dataset, seconds: float) -> int:
    """Elements until the end; `UNKNOWN` if it is not reached in the time."""
    end = time.perf_counter() + seconds
    try:
        return int(time_limits.within(2 * seconds, functools.partial(_until, dataset, end)))
    except (time_limits.TooSlowError, tf.errors.OpError):
        return UNKNOWN


def _until(dataset: tf.data.Dataset, end: float) -> int:
    found = 0
    for _ in timing.one_pass(dataset):
        found += 1
        if time.perf_counter() > end:
            return UNKNOWN
    return found
