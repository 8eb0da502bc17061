"""Making a pipeline faster without touching its code, with proof that it gives the same."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.doctor import (
    candidates,
    catalogue,
    costs,
    graph_edits,
    graphs,
    isolation,
    parallel_rewrites,
    prefetch_rewrites,
    proof,
    queueing,
    setting_rewrites,
    time_limits,
    timing,
    trials,
    vectorised_rewrites,
)
from benchmarks.doctor.candidates import Candidate
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View

# What the model expects less of is not worth a change, except that numbers of parallel
# calls are given so that nothing has to be found out by trial.
_LEAST_GAIN = 1.02
_SURE_GAIN = 1.2
# Rates of so short runs differ by as much.
_NO_LOSS = 0.97
_CLEARLY = 1.05
# Parts of the time, and the part of the last one that proofs may take.
_ISOLATING, _RUNNING, _FINDING, _TRYING, _PROVING = 0.25, 0.05, 0.2, 0.5, 0.2
# Single runs of 0.4 s took 258 to 398 us an element of one pipeline.
_ROUNDS = 5
_FREE = ("parallel map", "parallel filter")
# Handing records over from thread to thread costs more than it gains if readers are fast.
_LEAST_READER_GAIN = 1.1
_MOVES = ("shuffle earlier", "skip earlier")
# Of the time of a whole element, below which a stage is left to one thread.
_LEAST_SHARE = 0.05


class NotTunableError(ValueError):
    """Nothing can be told of a pipeline's stages; the message is one line."""


@dataclasses.dataclass(frozen=True)
class Tuned:
    """A pipeline and what was changed to make it faster.

    Attributes:
      original: the pipeline as it was.
      pipeline: the pipeline as it is now.
      rewrites: that were made.
      left: what was not changed, and why, a line each.
      elements: that were compared to prove that it gives the same.
    """

    original: Pipeline
    pipeline: Pipeline
    rewrites: tuple[Rewrite, ...]
    left: tuple[str, ...]
    elements: int

    @property
    def diff(self) -> str:
        """What was changed, a line each."""
        lines = [f"+ {rewrite.kind}: {rewrite.edit}" for rewrite in self.rewrites]
        return "\n".join([*lines, *(f"  {line}" for line in self.left)])


def tune(
    dataset: tf.data.Dataset,
    *,
    seconds: float = 20.0,
    report: Callable[[str], Any] = lambda text: None,
) -> tf.data.Dataset:
    """A dataset with equal elements in equal order that is faster.

    Its graph is rewritten: maps, filters and readers get as many parallel calls as suit
    the machine, functions of single elements work on whole batches, stages that throw
    elements away or keep them come where that saves most. That elements stay the same is
    proved on a sample, byte by byte. Functions that run Python code or have a state of
    their own are left as they are.

    Args:
      dataset: any dataset. It is not changed, and its iterators' state neither.
      seconds: about how long to measure its stages.
      report: called with what was changed, a line each.

    Returns:
      The faster dataset, or `dataset` itself if nothing can be gained or proved. A
      `shuffle` in it starts as that of a dataset that was not iterated over yet.
    """
    try:
        tuned = find(dataset, seconds=seconds)
    except NotTunableError as error:
        report(f"left as it is: {error}")
        return dataset
    if tuned.diff:
        report(tuned.diff)
    if not tuned.rewrites:
        return dataset
    return graphs.build(tuned.pipeline)


def find(dataset: tf.data.Dataset, *, seconds: float = 20.0) -> Tuned:
    """What `tune` would make of a dataset.

    Args:
      dataset: any dataset.
      seconds: about how long to measure its stages.

    Raises:
      NotTunableError: if its stages can't be measured, because it fails, gives nothing or
        can't be serialised.
    """
    try:
        pipeline = graphs.read(dataset)
        isolated = time_limits.within(
            2 * seconds + 20, lambda: isolation.measure(pipeline, seconds * _ISOLATING)
        )
    except (
        GraphError,
        isolation.StageError,
        timing.EmptyError,
        time_limits.TooSlowError,
    ) as error:
        raise NotTunableError(graphs.first_line(error)) from error
    view, now = _view(pipeline, isolated)
    found = candidates.find(
        view,
        now,
        isolated,
        seconds=seconds * _FINDING,
        measured_s=_measured_s(pipeline, seconds * _RUNNING, view.filling_elements()),
    )
    return _fastest(view, found, seconds * _TRYING)


def _measured_s(pipeline: Pipeline, seconds: float, filling: int) -> float | None:
    """From one element to the next as it is; None if none come in time.

    Args:
      pipeline: which pipeline.
      seconds: about how long to run it.
      filling: elements that fill its caches, which are not counted if they come soon.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            timed: timing.Timing = time_limits.within(
                5 * seconds + 5,
                lambda: timing.measure(
                    graphs.build(graph_edits.with_own_files(pipeline, folder)),
                    seconds * 0.6,
                    warmup_s=seconds * 0.4,
                    warmup_elements=filling,
                ),
            )
        except (
            GraphError,
            tf.errors.OpError,
            timing.EmptyError,
            time_limits.TooSlowError,
        ):
            return None
    return timed.element_s


def _fastest(view: View, found: Sequence[Candidate], seconds: float) -> Tuned:
    """The fastest of some sets of changes, or none if all are slower."""
    attempts: list[Tuned] = []
    for attempt in _attempts(view, found, seconds * _PROVING):
        if attempt.rewrites and all(
            attempt.rewrites != other.rewrites for other in attempts
        ):
            attempts.append(attempt)
    if not attempts:
        return combine(view, (), seconds=seconds * _PROVING)
    with tempfile.TemporaryDirectory() as folder:
        tried = trials.run(
            view.pipeline,
            [attempt.rewrites for attempt in attempts],
            seconds=seconds * (1 - _PROVING),
            folder=folder,
            rounds=_ROUNDS,
        )
    gains = [0.0 if gain is None else gain.median for gain in tried.gains]
    # The first one is what the model thinks best: others have to be clearly better.
    best = max(gains)
    for attempt, gain in zip(attempts, gains, strict=True):
        if gain >= _NO_LOSS and gain > best / _CLEARLY:
            return attempt
    left = (*attempts[0].left, "nothing was changed: what could be was no faster")
    return Tuned(view.pipeline, view.pipeline, (), left, 0)


def _attempts(view: View, found: Sequence[Candidate], seconds: float) -> Iterator[Tuned]:
    """Sets of changes that could be best together, each proved to alter nothing.

    Where reading ahead gains, it is tried with threads for the reader, with one that takes
    its elements, and with neither: behind another change it can cost more than it gains.
    """
    between, readers = prefetch_rewrites.BETWEEN, parallel_rewrites.INTERLEAVE

    def without(*kinds: str) -> list[Candidate]:
        return [each for each in found if each.rewrite.kind not in kinds]

    ways = [without(between)]
    if any(each.rewrite.kind == between and each.gain >= _LEAST_GAIN for each in found):
        ways.append(without(readers))
    ways.append(without(between, readers))
    ways.append([each for each in ways[0] if each.gain >= _SURE_GAIN])
    wanted: list[list[Rewrite]] = []
    for way in ways:
        rewrites = _worthwhile(view, way)
        if rewrites and rewrites not in wanted:
            wanted.append(rewrites)
            yield combine(view, way, seconds=seconds)


def _view(
    pipeline: Pipeline, isolated: isolation.Isolated
) -> tuple[View, list[queueing.Cost]]:
    nodes = tuple(pipeline.nodes)
    alone = costs.with_passes(pipeline, isolated.alone)
    elements = costs.elements(nodes, alone, are_cached=True)
    handover_s = isolated.handover_s or queueing.HANDOVER_SECONDS
    view = View(pipeline, nodes, alone, elements, timing.cores(), handover_s)
    return view, costs.in_pipeline(view)


def combine(view: View, found: Sequence[Candidate], *, seconds: float) -> Tuned:
    """Makes all rewrites that pay and are proved to change no element.

    Args:
      view: the pipeline.
      found: what could be changed.
      seconds: for all proofs together.
    """
    begin = time.perf_counter()
    wanted = _worthwhile(view, found)
    left = [
        f"{view.node(node.tag).name} stays as it is: {why}"
        for node in view.nodes
        if (why := _why_left(view, node))
    ]
    while wanted:
        changed, made = catalogue.apply(view.pipeline, wanted)
        shown = _proved(view.pipeline, changed, seconds)
        if shown.holds:
            return Tuned(view.pipeline, changed, tuple(made), tuple(left), shown.elements)
        # One of them alters elements: find it, since the others are still wanted.
        guilty = _guilty(view.pipeline, wanted, seconds)
        for rewrite, difference in guilty:
            left.append(f"no {rewrite.kind}: {difference}")
        wanted = [
            rewrite for rewrite in wanted if rewrite not in [each for each, _ in guilty]
        ]
        if not guilty or time.perf_counter() - begin > 10 * seconds:
            left.append(f"nothing was changed: {shown.difference}")
            break
    return Tuned(view.pipeline, view.pipeline, (), tuple(left), 0)


def _worthwhile(view: View, found: Sequence[Candidate]) -> list[Rewrite]:
    total = sum(view.wall_s(node.tag) for node in view.nodes) or 1.0
    wanted = []
    for candidate in found:
        rewrite = candidate.rewrite
        if rewrite.alters or rewrite.asks:
            continue
        share = sum(view.wall_s(tag) for tag in rewrite.tags) / total
        is_free = rewrite.kind in _FREE and share >= _LEAST_SHARE
        is_end = rewrite.kind in (prefetch_rewrites.PREFETCH, setting_rewrites.OPTIONS)
        is_move = rewrite.kind in _MOVES and _saves_bytes(view, rewrite)
        is_whole = rewrite.kind == vectorised_rewrites.REBATCH
        is_reader = rewrite.kind == parallel_rewrites.INTERLEAVE
        least = _LEAST_READER_GAIN if is_reader else _LEAST_GAIN
        if candidate.gain >= least or is_free or is_end or is_move or is_whole:
            wanted.append(rewrite)
    return wanted


def _saves_bytes(view: View, rewrite: Rewrite) -> bool:
    before = view.alone.get(view.node(rewrite.tags[0]).inputs[0])
    after = view.alone.get(rewrite.tags[-1])
    return before is not None and after is not None and after.bytes > 2 * before.bytes


def _proved(old: Pipeline, new: Pipeline, seconds: float) -> proof.Proof:
    try:
        return proof.compare(old, new, seconds=seconds)
    except (GraphError, tf.errors.OpError) as error:
        return proof.Proof(0, False, graphs.first_line(error))


def _guilty(
    pipeline: Pipeline, wanted: Sequence[Rewrite], seconds: float
) -> list[tuple[Rewrite, str]]:
    found = []
    for rewrite in wanted:
        changed, made = catalogue.apply(pipeline, [rewrite])
        if made:
            shown = _proved(pipeline, changed, seconds / 2)
            if not shown.holds:
                found.append((rewrite, shown.difference or "nothing could be compared"))
    return found


def _why_left(view: View, node: Any) -> str:
    traits = view.traits(node)
    if traits.is_generator:
        return "a Python generator makes its elements"
    if traits.is_python:
        return "its function runs Python code"
    if traits.is_stateful:
        return "its function depends on a state, such as random numbers without a seed"
    return ""
