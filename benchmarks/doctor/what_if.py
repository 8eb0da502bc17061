"""Whether a pipeline keeps up with accelerators, and what it would take."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.doctor import queueing
from benchmarks.doctor.diagnosis import WhatIf
from benchmarks.doctor.queueing import Cost

# The model is off by less where most of its time is what was measured.
_GOOD_FIT, _FAIR_FIT = 0.15, 0.4
_MOST_CORES = 4096


def predict(
    costs: Sequence[Cost],
    *,
    cores: int,
    measured_s: float,
    accelerator_step_ms: float,
    replicas: int,
) -> WhatIf:
    """What becomes of a training step that takes an element of the pipeline a replica.

    Args:
      costs: of the pipeline's stages.
      cores: processors that it was measured with.
      measured_s: from one element to the next, as the pipeline runs here.
      accelerator_step_ms: of one replica's step.
      replicas: that each take an element in every step.
    """
    factor = measured_s / queueing.predict(costs, cores)
    step_s = accelerator_step_ms / 1000
    pipeline_step_s = measured_s * replicas
    keeps_up = pipeline_step_s <= step_s
    needed = None
    for count in _counts():
        element_s = seconds_on(count, costs, cores=cores, measured_s=measured_s)
        if element_s * replicas <= step_s:
            needed = count
            break
    error = abs(math.log(factor))
    confidence, reason = _confidence(error, needed, cores)
    return WhatIf(
        accelerator_step_ms=accelerator_step_ms,
        replicas=replicas,
        keeps_up=keeps_up,
        predicted_step_ms=1000 * max(step_s, pipeline_step_s),
        cores=needed,
        service_workers=max(1, math.ceil(pipeline_step_s / step_s)),
        confidence=confidence,
        reason=reason,
    )


def seconds_on(
    count: int, costs: Sequence[Cost], *, cores: int, measured_s: float
) -> float:
    """Seconds from one element to the next with another number of processors.

    What the model does not know of is taken to stay in proportion.

    Args:
      count: how many processors.
      costs: of the pipeline's stages.
      cores: processors that it was measured with.
      measured_s: from one element to the next with these.
    """
    factor = measured_s / queueing.predict(costs, cores)
    other = [_on(cost, cores, count) for cost in costs]
    return queueing.predict(other, count) * factor


def _counts() -> list[int]:
    counts = list(range(1, 129))
    return [*counts, *range(144, 1025, 16), *range(1152, _MOST_CORES + 1, 128)]


def _on(cost: Cost, cores: int, count: int) -> Cost:
    """A stage on another number of processors: AUTOTUNE gives it as many calls."""
    if cost.parallelism < cores or cost.has_lock:
        return cost
    scaled = cost.parallelism * count / cores
    return Cost(
        cost.tag,
        cost.inputs,
        cost.wall_s,
        cost.cpu_s,
        scaled,
        cost.has_lock,
        cost.is_server,
    )


def _confidence(error: float, needed: int | None, cores: int) -> tuple[str, str]:
    off = f"the model and the measured rate differ by {math.expm1(error):.0%}"
    far = needed is not None and needed > 8 * cores
    if error <= _GOOD_FIT and not far:
        return "high", off
    if error <= _FAIR_FIT:
        beyond = f", and {needed} processors are far from the {cores} there are"
        return "medium", off + (beyond if far else "")
    return "low", off
