"""Making a pipeline faster without touching its code, with proof that it gives the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from benchmarks.doctor import (
    building,
    candidates,
    choosing,
    costs,
    graph_edits,
    graphs,
    isolation,
    queueing,
    time_limits,
    timing,
)
from benchmarks.doctor.combining import Tuned
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.rewrites import View

# Parts of the time.
_ISOLATING, _RUNNING, _FINDING, _TRYING = 0.25, 0.05, 0.2, 0.5


class NotTunableError(ValueError):
    """Nothing can be told of a pipeline's stages; the message is one line."""


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
    return building.build(tuned.pipeline)


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
    return choosing.fastest(view, found, seconds * _TRYING)


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
                    building.build(graph_edits.with_own_files(pipeline, folder)),
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


def _view(
    pipeline: Pipeline, isolated: isolation.Isolated
) -> tuple[View, list[queueing.Cost]]:
    nodes = tuple(pipeline.nodes)
    alone = costs.with_passes(pipeline, isolated.alone)
    elements = costs.elements(nodes, alone, are_cached=True)
    handover_s = isolated.handover_s or queueing.HANDOVER_SECONDS
    view = View(pipeline, nodes, alone, elements, timing.cores(), handover_s)
    return view, costs.in_pipeline(view)
