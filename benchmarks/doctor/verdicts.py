"""What an examination comes to: the stage that limits the rate, and a verdict in words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from benchmarks.doctor import queueing, timing
from benchmarks.doctor.diagnosis import Diagnosis, Prescription, Stage
from benchmarks.doctor.graphs import Node
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import View
from benchmarks.fingerprint import fingerprint
from benchmarks.quantities import number_text, rate_text

# A rate that falls so much at a stage shows what the model of queues does not know.
_FALL = 1.5


def bottleneck(
    view: View, now: Sequence[Cost], cuts: Mapping[str, float], measured_s: float
) -> Node:
    """The stage with the largest share; or the one at which the rate falls unexplained.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      cuts: rates of the pipeline cut after each stage, in elements of the whole one.
      measured_s: from one element of the whole one to the next.
    """
    slowest = queueing.limits(now, view.cores)[0]
    tag = max(slowest.loads, key=lambda each: slowest.loads[each])
    if cuts and measured_s > _FALL * max(slowest.seconds, view.handover_s):
        falls = _falls(view, cuts)
        tag = max(falls, key=lambda each: falls[each])
    return view.node(tag)


def _falls(view: View, cuts: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each element of the whole pipeline that a stage adds to those before."""
    until: dict[str, float] = {}
    falls = {}
    for node in view.nodes:
        before_s = sum(until[tag] for tag in node.inputs)
        until[node.tag] = before_s
        if node.tag in cuts:
            until[node.tag] = 1 / cuts[node.tag]
            falls[node.tag] = until[node.tag] - before_s
    return falls


def text(diagnosis: Diagnosis, label: str, *, keeps_up: bool) -> str:
    """The verdict on a pipeline that gives elements.

    Args:
      diagnosis: all the rest of it.
      label: of the stage that limits the rate.
      keeps_up: whether the consumer is slower still.
    """
    rate = rate_text(diagnosis.elements_per_s, "elements")
    if keeps_up:
        step = ""
        if diagnosis.step_ms is not None:
            step = f" for a step of {number_text(diagnosis.step_ms)} ms"
        faster = (
            f"The pipeline is faster than its consumer: {rate}, an element in "
            f"{number_text(diagnosis.element_ms)} ms{step}."
        )
        if not diagnosis.prescriptions:
            return faster
        (ahead,) = diagnosis.prescriptions
        first = _first(ahead, "steps")
        return f"{faster} But each waits for the other. {first}"
    limited = f"{rate}, limited by {label}."
    if not diagnosis.prescriptions:
        return f"The pipeline is fine as it is: {limited} Nothing was found to gain."
    first = _first(diagnosis.prescriptions[0], "it")
    return f"{limited[0].upper()}{limited[1:]} {first}"


def _first(prescription: Prescription, what: str) -> str:
    """What to do first, and what that makes how many times as fast."""
    how = "which only you can change"
    if prescription.measured_gain is not None:
        times = number_text(prescription.measured_gain)
        how = f"measured to make {what} {times} times as fast"
    return f"First: {prescription.kind}, {how}."


def failed(
    problem: str,
    begin: float,
    problems: Sequence[str] = (),
    stages: Sequence[Stage] = (),
    guilty: str = "",
) -> Diagnosis:
    """The diagnosis of a pipeline that gives no elements in the time there is.

    Args:
      problem: why.
      begin: of `time.perf_counter()`, when the examination began.
      problems: all of them, if there are more.
      stages: as far as they are known.
      guilty: the name of the stage that fails, if one does.
    """
    return Diagnosis(
        bottleneck=guilty,
        verdict=f"No rate could be measured: {problem}.",
        stages=tuple(stages),
        prescriptions=(),
        elements_per_s=0.0,
        spread=0.0,
        element_ms=0.0,
        cpu_ms=0.0,
        cores=timing.cores(),
        page_faults=0.0,
        bytes_per_element=0.0,
        fraction_of_memset=None,
        first_element_s=0.0,
        autotune_converged_s=None,
        step_ms=None,
        examined_s=time.perf_counter() - begin,
        problems=tuple(problems) or (problem,),
        fingerprint=fingerprint(),
    )
