"""What each stage of a pipeline costs alone.

Elements of each stage's inputs are kept in memory, and the stage works on them again and
again, one element at a time. So a stage's time does not depend on what comes before it,
what the runtime does in parallel, or which of both is slower.
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from benchmarks.doctor import building, graph_edits, graphs, time_limits, timing
from benchmarks.doctor.graphs import GraphError, Node, Pipeline

# What hands elements on and does nothing else.
PASSING = (
    "AssertCardinalityDataset",
    "FiniteRepeatDataset",
    "ForeverRepeatDataset",
    "ModelDataset",
    "OptionsDataset",
    "PrefetchDataset",
    "RepeatDataset",
    "TakeDataset",
    "SkipDataset",
)
_ONE_FOR_ONE = (
    "CacheDataset",
    "CacheDatasetV2",
    "ConcatenateDataset",
    "MapDataset",
    "ParallelMapDataset",
    "ParallelMapDatasetV2",
    "ShuffleDataset",
    "ShuffleDatasetV2",
    "ShuffleDatasetV3",
    "ZipDataset",
    "EnumerateDataset",
    *PASSING,
)
# What they do depends on the end of their input: a cache hands out what it has stored only
# after it, and of elements that come again none is unique.
_TO_THE_END = ("Cache", "Unique", "TakeWhile")
_MOST_BYTES = 64 << 20
_MOST_ELEMENTS = 4096
# The part of a stage's time that goes into keeping its elements.
_KEEPING = 0.6
# What takes no more than so many times as long as taking an element is lost in it.
_SHORT = 4.0
# Of which the share of its elements that a filter passes is known to some ten percent.
_ENOUGH_GIVEN = 64
_PATIENCE_SECONDS = 2.0
_HANDOVERS, _HANDOVER_SECONDS = 4, 0.05


class StageError(RuntimeError):
    """A stage fails by itself; the message is one line.

    Attributes:
      tag: of the stage.
    """

    def __init__(self, tag: str, message: str) -> None:
        super().__init__(message)
        self.tag = tag


@dataclasses.dataclass(frozen=True)
class Alone:
    """What one stage costs.

    Attributes:
      element_s: wall time of one of the elements it gives, alone.
      cpu_s: CPU time of it.
      bytes: of one of its elements.
      inputs_per_output: elements of its first input for one that it gives.
    """

    element_s: float
    cpu_s: float
    bytes: float
    inputs_per_output: float


@dataclasses.dataclass(frozen=True)
class Isolated:
    """What all stages of a pipeline cost.

    Attributes:
      alone: the costs by tag. Stages behind one that can't be run alone are missing.
      kept: some of the elements that each gives, in memory, by tag.
      handover_s: what it takes to take an element of the whole pipeline that is ready;
        None if there are none.
    """

    alone: dict[str, Alone]
    kept: dict[str, tf.data.Dataset]
    handover_s: float | None = None


def measure(
    pipeline: Pipeline,
    seconds: float,
    *,
    may_be_empty: bool = False,
    advance: Callable[[float], Any] = lambda seconds: None,
) -> Isolated:
    """Measures all stages of a pipeline.

    Args:
      pipeline: which pipeline.
      seconds: for all of them together. Single elements may take longer: once twice that
        and some more is over, no further stage is begun.
      may_be_empty: whether a stage that gives nothing is left out instead of an error.
      advance: called with the seconds that have passed since it was called last.

    Raises:
      StageError: if a stage fails on elements that those before it gave.
      benchmarks.doctor.timing.EmptyError: if a stage gives nothing, which is the message.
    """
    nodes = pipeline.nodes
    working = [node for node in nodes if node.op not in PASSING]
    each_s = seconds / max(len(working), 1)
    overhead = _overhead()
    end = time.perf_counter() + 2 * seconds + _PATIENCE_SECONDS
    found: dict[str, Alone] = {}
    kept: dict[str, tf.data.Dataset] = {}
    with tempfile.TemporaryDirectory() as folder:
        for node in nodes:
            begin = time.perf_counter()
            # A stage that is slow to begin leaves no time for those behind it.
            if begin > end or any(tag not in kept for tag in node.inputs):
                continue
            try:
                if node.op in PASSING and node.inputs:
                    of_input = found[node.inputs[0]]
                    found[node.tag] = Alone(0.0, 0.0, of_input.bytes, 1.0)
                    kept[node.tag] = _handed_on(pipeline, node, kept[node.inputs[0]])
                else:
                    found[node.tag], kept[node.tag] = time_limits.within(
                        10 * each_s + 10,
                        functools.partial(
                            _measure_stage, pipeline, node, kept, each_s, overhead, folder
                        ),
                    )
            except (GraphError, time_limits.TooSlowError):
                continue
            except timing.EmptyError:
                if not may_be_empty:
                    raise
                continue
            except tf.errors.OpError as error:
                raise StageError(node.tag, graphs.first_line(error)) from error
            advance(time.perf_counter() - begin)
        last = nodes[-1].tag
        # While the files are there that a cache may read.
        handover_s = _handover_s(kept[last]) if last in kept else None
    return Isolated(found, kept, handover_s)


def _handed_on(pipeline: Pipeline, node: Node, before: tf.data.Dataset) -> tf.data.Dataset:
    """Elements that a stage hands on: not those that it is there to leave out.

    Such as the line of headings of a table, which the stages behind could not read.
    """
    count = pipeline.constant(node.tag, "count") if node.op == "SkipDataset" else None
    if count is None or int(count) < 1:
        return before
    left = before.skip(int(count))
    # All that are kept may be left out, of more that there are.
    return left if any(True for _ in timing.one_pass(left.take(1))) else before


def _handover_s(ready: tf.data.Dataset) -> float:
    """What it takes to take an element that another thread has ready: the least of some."""
    dataset = ready.repeat().prefetch(2)
    return min(
        timing.measure(dataset, _HANDOVER_SECONDS).element_s for _ in range(_HANDOVERS)
    )


def _measure_stage(
    pipeline: Pipeline,
    node: Node,
    kept: Mapping[str, tf.data.Dataset],
    seconds: float,
    overhead: _Overhead,
    folder: str,
) -> tuple[Alone, tf.data.Dataset]:
    stage = one_at_a_time(pipeline, node, folder)
    inputs = {tag: kept[tag] for tag in node.inputs}
    ratio = 1.0
    if node.inputs and node.op not in _ONE_FOR_ONE:
        ratio = _inputs_per_output(stage, node, inputs, seconds / 4)
    endless = {tag: dataset.repeat() for tag, dataset in inputs.items()}
    if node.op.startswith(_TO_THE_END):
        endless = inputs
    # Python takes a millisecond to begin a dataset anew.
    dataset = building.build(stage, node.tag, endless).repeat()
    timed = timing.measure_alone(dataset, seconds * (1 - _KEEPING))
    is_short = timed.element_s < _SHORT * overhead.single.element_s
    if is_short and timing.is_batchable(dataset):
        timed = timing.measure_short(dataset, timed, seconds * (1 - _KEEPING))
    most = max(1, int(_MOST_BYTES / max(timed.bytes, 1)))
    in_time = max(1, int(seconds * _KEEPING / max(timed.element_s, 1e-7)))
    elements = min(most, in_time, _MOST_ELEMENTS)
    stored = building.build(stage, node.tag, endless).take(elements).cache()
    # All of them, so that the cache is whole. Options of what is kept would be those of all
    # that takes it.
    for _ in timing.one_pass(timing.sequential(stored)):
        pass
    idle = overhead.of(timed, inputs=ratio * len(node.inputs))
    alone = Alone(
        element_s=max(timed.element_s - idle.element_s, 0.0),
        cpu_s=max(timed.cpu_s - idle.cpu_s, 0.0),
        bytes=timed.bytes,
        inputs_per_output=ratio,
    )
    return alone, stored


def one_at_a_time(pipeline: Pipeline, node: Node, folder: str) -> Pipeline:
    """The pipeline with one of its stages working on one element at a time.

    Args:
      pipeline: which pipeline.
      node: the stage.
      folder: where it may write, if it stores elements in files.
    """
    changed = graph_edits.edited(graph_edits.with_own_files(pipeline, folder))
    if graph_edits.has_argument(changed, node.tag, "num_parallel_calls"):
        graph_edits.set_argument(changed, node.tag, "num_parallel_calls", 1)
    return changed


def _inputs_per_output(
    stage: Pipeline, node: Node, inputs: Mapping[str, tf.data.Dataset], seconds: float
) -> float:
    """How many of the kept elements a stage takes for each that it gives."""
    if "BatchDataset" in node.op and graph_edits.has_argument(
        stage, node.tag, "batch_size"
    ):
        size = stage.constant(node.tag, "batch_size")
        if size is not None:
            return float(size)
    if node.op == "ShardDataset":
        return float(stage.constant(node.tag, "num_shards"))
    (first, *_) = node.inputs
    ratio = None
    most = _count(inputs[first])
    taken = 1
    spent_s = 0.0
    while True:
        # More each time: a reader can give very much for one element, and a filter
        # nothing for many.
        part = {**inputs, first: inputs[first].take(taken)}
        dataset = building.build(stage, node.tag, part)
        begin = time.perf_counter()
        given, has_ended = _count_until(dataset, begin + max(2 * seconds, 0.1))
        spent_s += time.perf_counter() - begin
        if given and (has_ended or ratio is None):
            ratio = taken / given
        is_known = given >= _ENOUGH_GIVEN or not has_ended
        enough = ratio is not None and is_known and spent_s > seconds / 4
        if taken >= most or enough or spent_s > 4 * seconds:
            break
        taken = min(8 * taken, most)
    if ratio is None:
        raise timing.EmptyError(f"{node.name} gives nothing for {taken} elements")
    return ratio


def _count_until(dataset: tf.data.Dataset, end: float) -> tuple[int, bool]:
    """How many elements came until some time, and whether these were all."""
    found = 0
    for _ in timing.one_pass(timing.sequential(dataset)):
        found += 1
        if time.perf_counter() > end:
            return found, False
    return found, True


def _count(dataset: tf.data.Dataset) -> int:
    return sum(1 for _ in timing.one_pass(dataset))


class _Idle(NamedTuple):
    """Times of one element that are not those of a stage's own work."""

    element_s: float
    cpu_s: float


@dataclasses.dataclass(frozen=True)
class _Overhead:
    """What it costs to take an element that is kept in memory.

    Attributes:
      single: one at a time.
      batched: in batches, as `timing.measure_short` does.
    """

    single: timing.Timing
    batched: timing.Timing

    def of(self, timed: timing.Timing, *, inputs: float) -> _Idle:
        """What a timing contains that is not the stage's own work.

        Of a source it contains how its elements get into a batch, which the stage that
        makes batches of them does without.

        Args:
          timed: of a stage.
          inputs: kept elements that it takes for one that it gives.
        """
        python = 0.0 if timed.is_batched else 1.0
        taken = inputs - python
        return _Idle(
            python * self.single.element_s + taken * self.batched.element_s,
            python * self.single.cpu_s + taken * self.batched.cpu_s,
        )


def _overhead() -> _Overhead:
    stored = tf.data.Dataset.range(256).cache()
    for _ in stored:
        pass
    endless = stored.repeat()
    single = timing.measure_alone(endless, 0.1)
    return _Overhead(single, timing.measure_short(endless, single, 0.1))
