"""Examining a pipeline: where its time goes, what limits it, and what would mend it."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from benchmarks import ceilings
from benchmarks.doctor import (
    beside_consumer,
    building,
    costs,
    graph_edits,
    graphs,
    isolation,
    origins,
    prescribing,
    queueing,
    stage_figures,
    time_limits,
    timing,
    verdicts,
    what_if,
)
from benchmarks.doctor.diagnosis import CONSUMER, Diagnosis, Prescription
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.isolation import Isolated, StageError
from benchmarks.doctor.request import Request
from benchmarks.doctor.rewrites import View
from benchmarks.doctor.time_limits import TooSlowError
from benchmarks.doctor.timing import EmptyError, Timing
from benchmarks.fingerprint import fingerprint

MakeDataset = Callable[[], tf.data.Dataset]

# Parts of the time that an examination may take.
_RUN, _WARMUP, _ALONE, _CUTS, _PRESCRIBING = 0.06, 0.04, 0.25, 0.08, 0.49
# What a pass that fills caches may take of it; prescribing has less then.
_FILLING = 0.15
# Without a rate after this part, or these seconds, the pipeline as a whole is given up.
_PATIENCE, _LEAST_PATIENCE_SECONDS = 0.4, 10.0


class UserCodeError(Exception):
    """The user's own code failed; the message says how and where, in one line."""


def examine(
    make_dataset: MakeDataset | tf.data.Dataset,
    *,
    seconds: float = 60.0,
    step_ms: float | None = None,
    consumer: Callable[[Any], Any] | None = None,
    accelerator_step_ms: float | None = None,
    replicas: int = 1,
    advance: Callable[[float], Any] = lambda seconds: None,
) -> Diagnosis:
    """Finds out what holds a pipeline back, and what would make it faster.

    The pipeline is run as it is; each of its stages is run alone on elements that are kept
    in memory; it is cut after each stage; and what could mend it is tried, by rewriting
    its graph. The code is not changed, and no file that it writes is touched.

    Args:
      make_dataset: makes the dataset; called once. Or the dataset itself, without the
        lines of code that made its stages.
      seconds: how long this may take, 5 to 3600.
      step_ms: time in which the consumer deals with an element, such as a training step.
      consumer: called with an element to find that time, if it is not given.
      accelerator_step_ms: time of one replica's step, to predict whether the pipeline
        would keep up.
      replicas: that each take an element in every step of the prediction.
      advance: called with the seconds that have passed since it was called last.

    Returns:
      The diagnosis; also of a pipeline that fails, gives nothing or does not begin.

    Raises:
      ValueError: if a number is out of range.
    """
    request = Request(seconds, step_ms, accelerator_step_ms, replicas)
    begin = time.perf_counter()
    with timing.heartbeat(advance):
        try:
            made = _made(make_dataset)
        except UserCodeError as error:
            return verdicts.failed(str(error), begin)
        with tempfile.TemporaryDirectory() as folder:
            return _Examination(request, made, consumer, begin, folder).result()


def _made(make_dataset: MakeDataset | tf.data.Dataset) -> tf.data.Dataset:
    if isinstance(make_dataset, tf.data.Dataset):
        return make_dataset
    try:
        with origins.recorded():
            made = make_dataset()
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
        raise UserCodeError(
            f"the function that makes the dataset fails at {where}: "
            f"{type(error).__name__}: {graphs.first_line(error)}"
        ) from error
    if not isinstance(made, tf.data.Dataset):
        raise UserCodeError(
            f"the function gives a {type(made).__name__}: expected a tf.data.Dataset"
        )
    return made


class _Examination:
    """One examination, and what it knows so far."""

    def __init__(
        self,
        request: Request,
        dataset: tf.data.Dataset,
        consumer: Callable[[Any], Any] | None,
        begin: float,
        folder: str,
    ) -> None:
        self._folder = folder
        self._patience_s = max(request.seconds * _PATIENCE, _LEAST_PATIENCE_SECONDS)
        self._request = request
        self._dataset = dataset
        self._consumer = consumer
        self._begin = begin
        self._problems: list[str] = []
        self._lines: dict[str, str] = {}
        # The stage that fails.
        self._guilty = ""

    def result(self) -> Diagnosis:
        """Does all of it."""
        try:
            pipeline = graphs.read(self._dataset)
        except GraphError as error:
            return self._as_a_whole(error)
        self._lines = origins.of(self._dataset, pipeline)
        whole = self._run(pipeline)
        isolated = self._isolate(pipeline, is_running=whole is not None)
        if isolated is None or whole is None:
            return verdicts.failed(
                self._problems[0],
                self._begin,
                self._problems,
                stage_figures.bare(pipeline.nodes, self._lines),
                self._guilty,
            )
        view = self._view(pipeline, isolated, whole)
        before_filling = time.perf_counter()
        whole = self._after_filling(view, whole)
        filling_s = time.perf_counter() - before_filling
        now = costs.scaled_to(costs.in_pipeline(view, whole.model), whole.cpu_s)
        cuts = self._cut(view)
        step_ms = self._request.step_ms or self._consumer_ms(pipeline)
        stages = stage_figures.of(view, now, cuts, whole, self._lines)
        bottleneck = verdicts.bottleneck(view, now, cuts, whole.element_s)
        # What came slower than it was expected to leaves half of the time.
        prescribing_s = self._request.seconds * _PRESCRIBING
        prescribing_s = max(prescribing_s - filling_s, prescribing_s / 2)
        keeps_up = step_ms is not None and 1000 * whole.element_s <= step_ms
        if keeps_up:
            prescribed = self._beside_consumer(
                view, (step_ms or 0.0) / 1000, whole.element_s, prescribing_s
            )
        else:
            prescribed = prescribing.prescribe(
                view,
                now,
                isolated,
                whole=whole,
                seconds=prescribing_s,
                folder=self._folder,
            )
        predicted = None
        if self._request.accelerator_step_ms is not None:
            predicted = what_if.predict(
                now,
                cores=view.cores,
                measured_s=whole.element_s,
                accelerator_step_ms=self._request.accelerator_step_ms,
                replicas=self._request.replicas,
            )
        bytes_per_s = whole.bytes / whole.element_s
        memset = ceilings.memset_bytes_per_s(min(max(int(whole.bytes), 1 << 20), 64 << 20))
        diagnosis = Diagnosis(
            bottleneck=CONSUMER if keeps_up else bottleneck.name,
            verdict="",
            stages=tuple(stages),
            prescriptions=prescribed.prescriptions,
            elements_per_s=1 / whole.element_s,
            spread=prescribed.spread,
            element_ms=1000 * whole.element_s,
            cpu_ms=1000 * whole.cpu_s,
            cores=view.cores,
            page_faults=whole.page_faults,
            bytes_per_element=whole.bytes,
            fraction_of_memset=bytes_per_s / memset,
            first_element_s=whole.first_s,
            autotune_converged_s=whole.converged_s,
            step_ms=step_ms,
            examined_s=time.perf_counter() - self._begin,
            problems=tuple(self._problems),
            what_if=predicted,
            tuned_gain=prescribed.tuned_gain,
            fingerprint=fingerprint(),
        )
        text = verdicts.text(diagnosis, self._label(bottleneck), keeps_up=keeps_up)
        return dataclasses.replace(diagnosis, verdict=text)

    def _run(self, pipeline: Pipeline) -> Timing | None:
        """The pipeline as it is."""
        try:
            return self._timed(pipeline)
        except TooSlowError:
            self._problems.append(
                "not enough elements to measure a rate came within "
                f"{self._patience_s:.0f} s"
            )
        except EmptyError:
            self._problems.append("the pipeline gives no elements")
        except (GraphError, tf.errors.OpError) as error:
            self._problems.append(_of_user(error))
        return None

    def _after_filling(self, view: View, whole: Timing) -> Timing:
        """The pipeline after the pass that fills its caches, if that pass is soon over.

        It is none of those to come.
        """
        elements = view.filling_elements()
        if not 0 < elements * whole.element_s < self._request.seconds * _FILLING:
            return whole
        try:
            return self._timed(view.pipeline, elements)
        except (TooSlowError, EmptyError, GraphError, tf.errors.OpError):
            return whole

    def _timed(self, pipeline: Pipeline, warmup_elements: int = 0) -> Timing:
        seconds = self._request.seconds
        timed: Timing = time_limits.within(
            self._patience_s,
            lambda: timing.measure(
                building.build(graph_edits.with_own_files(pipeline, self._folder)),
                seconds * _RUN,
                warmup_s=seconds * _WARMUP,
                warmup_elements=warmup_elements,
                watches_autotune=True,
            ),
        )
        return timed

    def _isolate(self, pipeline: Pipeline, *, is_running: bool) -> Isolated | None:
        seconds = self._request.seconds * _ALONE
        try:
            isolated: Isolated = time_limits.within(
                4 * seconds + 20,
                # A filter may let nothing of what is kept through, and yet the rest.
                lambda: isolation.measure(pipeline, seconds, may_be_empty=is_running),
            )
            return isolated
        except StageError as error:
            node = pipeline.node(error.tag)
            self._guilty = node.name
            self._problems.insert(0, f"{self._label(node)} fails: {error}")
        except EmptyError as error:
            if str(error) not in self._problems:
                self._problems.append(str(error))
        except TooSlowError:
            self._problems.append("a stage gives no elements in the time there is")
        return None

    def _view(self, pipeline: Pipeline, isolated: Isolated, whole: Timing) -> View:
        nodes = tuple(pipeline.nodes)
        missing = [node.name for node in nodes if node.tag not in isolated.alone]
        if missing:
            self._problems.append(f"could not be run alone: {', '.join(missing)}")
        has_repeat = any("Repeat" in node.op for node in nodes)
        alone = costs.with_ratios(nodes, isolated.alone, whole.model)
        alone = costs.with_passes(pipeline, alone)
        elements = costs.elements(
            nodes, alone, are_cached=whole.passes > 0 or has_repeat, model=whole.model
        )
        handover_s = isolated.handover_s or queueing.HANDOVER_SECONDS
        return View(pipeline, nodes, alone, elements, timing.cores(), handover_s)

    def _cut(self, view: View) -> dict[str, float]:
        """Rates of the pipeline cut after each stage, in elements of the whole one."""
        working = [
            node
            for node in view.nodes
            if costs.does_work(node) and view.elements.get(node.tag, 0.0) > 0
        ]
        each_s = self._request.seconds * _CUTS / max(len(working), 1)
        found: dict[str, float] = {}
        for node in working:
            try:
                timed = time_limits.within(
                    4 * each_s + 2,
                    lambda node=node: timing.measure(  # type: ignore[misc]
                        building.build(
                            graph_edits.with_own_files(view.pipeline, self._folder),
                            node.tag,
                        ),
                        each_s / 2,
                    ),
                )
            except (TooSlowError, EmptyError, GraphError, tf.errors.OpError):
                continue
            found[node.tag] = 1 / timed.element_s / view.elements[node.tag]
        return found

    def _consumer_ms(self, pipeline: Pipeline) -> float | None:
        if self._consumer is None:
            return None
        own = graph_edits.with_own_files(pipeline, self._folder)
        element = next(iter(building.build(own)))
        times = []
        for _ in range(8):
            begin = time.perf_counter()
            self._consumer(element)
            times.append(1000 * (time.perf_counter() - begin))
        return statistics.median(times[2:])

    def _beside_consumer(
        self, view: View, step_s: float, element_s: float, seconds: float
    ) -> prescribing.Prescribed:
        """What would have the pipeline work while its slower consumer does."""
        try:
            found: Prescription | None = time_limits.within(
                2 * seconds + _LEAST_PATIENCE_SECONDS,
                lambda: beside_consumer.prescribe(
                    view,
                    step_s=step_s,
                    element_s=element_s,
                    seconds=seconds,
                    folder=self._folder,
                ),
            )
        except (TooSlowError, EmptyError, GraphError, tf.errors.OpError):
            found = None
        return prescribing.Prescribed(() if found is None else (found,), None, 0.0)

    def _as_a_whole(self, error: GraphError) -> Diagnosis:
        return verdicts.failed(f"its stages can't be told apart: {error}", self._begin)

    def _label(self, node: Node) -> str:
        text = f"{node.name} {node.function}".strip()
        line = self._lines.get(node.tag)
        return f"{text} ({line})" if line else text


def _of_user(error: BaseException) -> str:
    return f"the pipeline fails: {graphs.first_line(error)}"
