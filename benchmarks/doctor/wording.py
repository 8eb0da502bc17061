"""How the findings of an examination are worded, in a terminal and on a page alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.doctor.diagnosis import CONSUMER, Diagnosis, Prescription, Stage, WhatIf
from benchmarks.quantities import number_text, percent_text, rate_text, ratio_text

# What there is none of, or what could not be measured.
NOTHING = "-"

Pairs = list[tuple[str, str]]


def time_text(us: float | None) -> str:
    """A time in the unit that suits it, such as "8.20 us" or "14.2 ms", if there is one."""
    if us is None:
        return NOTHING
    for unit in ("us", "ms"):
        if us < 999.5:
            return f"{number_text(us)} {unit}"
        us /= 1000
    return f"{number_text(us)} s"


def bytes_text(count: float | None) -> str:
    """A size in the unit that suits it, such as "12 B" or "38.5 MB", if there is one."""
    if count is None:
        return NOTHING
    if count < 999.5:
        return f"{count:.0f} B"
    return rate_text(count, "bytes").removesuffix("/s")


def count_text(value: float) -> str:
    """A count without decimals, unless it is far from a whole number."""
    whole = round(value)
    near = abs(value - whole) <= 0.005 * abs(value)
    return f"{whole:,}" if near else number_text(value)


def ratio_or_nothing(ratio: float | None) -> str:
    """A ratio, if there is one."""
    return NOTHING if ratio is None else ratio_text(ratio)


def per_s_text(per_s: float | None) -> str:
    """A rate without its unit, if there is one."""
    return NOTHING if per_s is None else number_text(per_s)


def buffer_text(stage: Stage) -> str:
    """How much a stage's buffer holds and how full it was, such as "16, 87%"."""
    if not stage.buffer:
        return NOTHING
    size = f"{stage.buffer:,}"
    return size if stage.buffered is None else f"{size}, {stage.buffered:.0%}"


def share_text(share: float) -> str:
    """A share of the time in percent."""
    return percent_text(share) if share else "0%"


def other_operation(stage: Stage) -> str:
    """The operation of a stage, or nothing if its label begins with it."""
    return "" if stage.op == stage.name else stage.op


def bottleneck_stage(diagnosis: Diagnosis) -> Stage | None:
    """The stage that limits the rate or fails, or None if there is none or none is known.

    Of stages with one name it is the one with the largest share.
    """
    if diagnosis.bottleneck == CONSUMER:
        return None
    named = [stage for stage in diagnosis.stages if stage.name == diagnosis.bottleneck]
    return max(named, key=lambda stage: stage.share, default=None)


def bottleneck_text(diagnosis: Diagnosis) -> str:
    """What limits the rate or fails, with as much as is known of it; or nothing."""
    if not diagnosis.bottleneck:
        return ""
    stage = bottleneck_stage(diagnosis)
    label = diagnosis.bottleneck if stage is None else stage.label
    return f"{'Fails at' if has_failed(diagnosis) else 'Bottleneck'}: {label}"


def mark(diagnosis: Diagnosis) -> str:
    """What is written at the stage that limits the rate or fails."""
    return "fails here" if has_failed(diagnosis) else "the bottleneck"


def has_failed(diagnosis: Diagnosis) -> bool:
    """Whether no rate was measured; stages have no figures then."""
    return diagnosis.elements_per_s <= 0


def label_of(diagnosis: Diagnosis, number: int) -> str:
    """The label of a stage by its number."""
    for stage in diagnosis.stages:
        if stage.number == number:
            return stage.label
    return f"stage {number}"


def facts(diagnosis: Diagnosis) -> Pairs:
    """Figures of the whole pipeline, each with what it is of."""
    if has_failed(diagnosis):
        return [("examined in", time_text(1e6 * diagnosis.examined_s))]
    cpu = time_text(1000 * diagnosis.cpu_ms)
    if diagnosis.element_ms > 0:
        busy = diagnosis.cpu_ms / diagnosis.element_ms
        cpu = f"{cpu}, {busy:.1f} of {diagnosis.cores} cores"
    settled = diagnosis.autotune_converged_s
    found = [
        ("rate", rate_text(diagnosis.elements_per_s, "elements")),
        ("spread of repeats", percent_text(diagnosis.spread)),
        ("time of an element", time_text(1000 * diagnosis.element_ms)),
        ("CPU time of it", cpu),
        ("size of it", bytes_text(diagnosis.bytes_per_element)),
        ("page faults for it", count_text(diagnosis.page_faults)),
        ("first element after", time_text(1e6 * diagnosis.first_element_s)),
        (
            "AUTOTUNE settled after",
            "off, or not yet" if settled is None else time_text(1e6 * settled),
        ),
    ]
    if diagnosis.fraction_of_memset is not None:
        found.append(("of memory's speed", percent_text(diagnosis.fraction_of_memset)))
    if diagnosis.step_ms is not None:
        found.append(("step of the consumer", time_text(1000 * diagnosis.step_ms)))
    return [*found, ("examined in", time_text(1e6 * diagnosis.examined_s))]


def stage_facts(stage: Stage) -> Pairs:
    """Figures of a stage, each with what it is of."""
    return [
        ("share of the time", share_text(stage.share)),
        ("elements", count_text(stage.elements)),
        ("time of each", time_text(stage.element_us)),
        ("self time", time_text(stage.self_us)),
        ("CPU time", time_text(stage.cpu_us)),
        ("waiting", time_text(stage.wait_us)),
        ("parallel", count_text(stage.parallelism)),
        ("buffer, full", buffer_text(stage)),
        ("bytes out", bytes_text(stage.bytes_out)),
        ("out over in", ratio_or_nothing(stage.amplification)),
        ("rate up to here", per_s_text(stage.rate_up_to_here)),
    ]


def gain_text(prescription: Prescription) -> str:
    """What a change gains, such as "1.90x predicted, 2.10x measured"."""
    told = []
    if prescription.predicted_gain is not None:
        told.append(f"{ratio_text(prescription.predicted_gain)} predicted")
    if prescription.measured_gain is not None:
        told.append(f"{ratio_text(prescription.measured_gain)} measured")
    else:
        told.append("yours to make: not measured")
    return ", ".join(told)


def care_text(prescription: Prescription) -> str:
    """Who makes a change, and whether elements stay what they are."""
    who = "makes it" if prescription.is_applied_by_tune else "leaves it to you"
    kept = (
        "elements and their order stay the same"
        if prescription.keeps_elements
        else "elements or their order change"
    )
    return f"{who}; {kept}"


def tune_text(diagnosis: Diagnosis) -> str:
    """What `tune` makes of the pipeline."""
    if diagnosis.tuned_gain is None:
        return "tune changes nothing by itself."
    return f"tune makes the pipeline {ratio_text(diagnosis.tuned_gain)} as fast."


def what_if_text(what_if: WhatIf) -> str:
    """Whether the pipeline keeps up with accelerators, in a sentence."""
    verb = "keeps up" if what_if.keeps_up else "does not keep up"
    one = what_if.replicas == 1
    replicas = "1 replica" if one else f"{what_if.replicas:,} replicas"
    step = time_text(1000 * what_if.accelerator_step_ms)
    takes = "takes" if one else "take"
    return f"The pipeline {verb} with {replicas} that {takes} {step} a step."


def what_if_facts(what_if: WhatIf, cores: int) -> Pairs:
    """What it would need to keep up.

    Args:
      what_if: the prediction.
      cores: that there are.
    """
    needed = (
        "no number would do: a part that can't run in parallel is too slow"
        if what_if.cores is None
        else f"{what_if.cores:,} at least, of {cores:,} here"
    )
    workers = f"{what_if.service_workers:,} like this one, this one included"
    return [
        ("a step would take", time_text(1000 * what_if.predicted_step_ms)),
        ("cores needed", needed),
        ("or machines", f"{workers}, as workers of tf.data's service"),
        ("confidence", f"{what_if.confidence}: {what_if.reason}"),
    ]


def machine_facts(fingerprint: Mapping[str, Any], prefix: str = "") -> Pairs:
    """What is known of the machine, a pair for each figure."""
    found: Pairs = []
    for key, value in fingerprint.items():
        if isinstance(value, Mapping):
            found += machine_facts(value, f"{prefix}{key} ")
        elif isinstance(value, (list, tuple)):
            found.append((f"{prefix}{key}", ", ".join(map(str, value)) or NOTHING))
        else:
            text = NOTHING if value in (None, "") else str(value)
            found.append((f"{prefix}{key}", text))
    return found
