"""Diagnoses of all kinds, for the tests of what shows them."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.doctor.diagnosis import CONSUMER, Diagnosis, Prescription, Stage, WhatIf

HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "</title></svg><svg onload='window.hacked = 1'>",
    "</style><script>window.hacked = 1</script>",
    "\"' onmouseover='window.hacked = 1' x='",
    "<a href='javascript:window.hacked = 1'>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "[bold red]rich[/bold red][/nothing]",
    "\x1b[31mred\x1b]0;title\x07\r\u202e\ud800\u0000",
    "\u6f22\u5b57" * 40,
    "W" * 200,
)
FINGERPRINT = {
    "cpu": "AMD EPYC 7B13",
    "cpus": 2,
    "memory_gib": 7.8,
    "gpus": [],
    "tensorflow": "2.21.0",
    "torch": None,
    "environment": {"TF_NUM_INTEROP_THREADS": "2"},
}


def stage(number: int, name: str, **given: Any) -> Stage:
    """A stage that takes what the one before it gives, unless `inputs` says otherwise."""
    fields: dict[str, Any] = {
        "number": number,
        "op": name,
        "name": name,
        "function": "",
        "line": f"input.py:{20 + number}",
        "inputs": (number - 1,) if number else (),
        "elements": 32.0,
        "element_us": 12.5,
        "self_us": 400.0,
        "cpu_us": 380.0,
        "wait_us": 20.0,
        "parallelism": 1.0,
        "buffer": 0,
        "buffered": None,
        "bytes_out": 3.2e6,
        "amplification": 1.0 if number else None,
        "rate_up_to_here": 1250.0,
        "share": 0.05,
    }
    return Stage(**{**fields, **given})


def decode(number: int, name: str = "decode", **given: Any) -> Stage:
    """A parallel map that is slow."""
    fields: dict[str, Any] = {
        "op": "ParallelMapDatasetV2",
        "function": "decode_jpeg",
        "element_us": 1400.0,
        "self_us": 44_800.0,
        "cpu_us": 41_200.0,
        "wait_us": 3600.0,
        "parallelism": 2.0,
        "bytes_out": 38.5e6,
        "amplification": 12.03,
        "rate_up_to_here": 44.2,
        "share": 0.817,
    }
    return stage(number, name, **{**fields, **given})


PRESCRIPTIONS = (
    Prescription(
        kind="vectorise",
        stage=3,
        reason="The function is called for each image, and batches could pass through it.",
        edit="dataset.batch(32).map(normalise)\n# instead of .map(normalise).batch(32)",
        predicted_gain=1.9,
        measured_gain=2.1,
        keeps_elements=True,
        is_applied_by_tune=True,
    ),
    Prescription(
        kind="decode less",
        stage=2,
        reason="82% of the time goes into decoding of images that are then cut to a ninth.",
        edit="tf.image.decode_and_crop_jpeg(data, window) in decode_jpeg",
        predicted_gain=1.4,
        measured_gain=None,
        keeps_elements=False,
        is_applied_by_tune=False,
    ),
    Prescription(
        kind="other files",
        stage=0,
        reason="The files are small, and each is opened for one element.",
        edit="Write them as TFRecord files of 100 MB.",
        predicted_gain=None,
        measured_gain=None,
        keeps_elements=True,
        is_applied_by_tune=False,
    ),
)


def plain(**changes: Any) -> Diagnosis:
    """A chain of five stages, one of them slow."""
    fields: dict[str, Any] = {
        "bottleneck": "decode",
        "verdict": "decode takes 82% of the time, and both processors are busy with it. "
        "Vectorising normalise after it gains most.",
        "stages": (
            stage(0, "TensorSliceDataset", elements=0.25, bytes_out=800, share=0.001),
            stage(1, "TFRecordDatasetV2", wait_us=310.0, cpu_us=90.0, share=0.02),
            decode(2),
            stage(3, "MapDataset", function="normalise", self_us=6300.0, share=0.115),
            stage(4, "batch", op="BatchDatasetV2", elements=1.0, share=0.047),
            stage(
                5,
                "PrefetchDataset",
                elements=1.0,
                self_us=3.1,
                cpu_us=2.9,
                wait_us=0.0,
                buffer=16,
                buffered=0.03,
                share=0.0,
            ),
        ),
        "prescriptions": PRESCRIPTIONS,
        "elements_per_s": 44.2,
        "spread": 0.031,
        "element_ms": 22.6,
        "cpu_ms": 42.9,
        "cores": 2,
        "page_faults": 9412.0,
        "bytes_per_element": 38.5e6,
        "fraction_of_memset": 0.142,
        "first_element_s": 0.41,
        "autotune_converged_s": 11.8,
        "step_ms": 12.0,
        "examined_s": 34.5,
        "tuned_gain": 2.05,
        "fingerprint": FINGERPRINT,
    }
    return Diagnosis(**{**fields, **changes})


def branching() -> Diagnosis:
    """Three sources, of which two are sampled from and one is zipped with them."""
    stages = (
        stage(0, "photos", op="TFRecordDatasetV2"),
        decode(1, name="decode_photos", share=0.34),
        stage(2, "drawings", op="TFRecordDatasetV2", inputs=()),
        decode(3, name="decode_drawings", share=0.41, inputs=(2,)),
        stage(4, "sample", op="DirectedInterleaveDataset", inputs=(1, 3), share=0.004),
        stage(5, "RangeDataset", inputs=(), share=0.0),
        stage(6, "ZipDataset", inputs=(4, 5), share=0.01),
        stage(7, "BatchDatasetV2", share=0.08),
    )
    return plain(stages=stages, bottleneck="decode_drawings")


def failed() -> Diagnosis:
    """One of which not even the first element came."""
    return plain(
        bottleneck="",
        verdict="The pipeline gave no element: its function decode failed.",
        stages=(),
        prescriptions=(),
        problems=(
            "decode (input.py:31): InvalidArgumentError: Expected image (JPEG, PNG, or "
            "GIF), got format starting with 'not an image'\n\t [[{{node DecodeJpeg}}]]",
            "nothing else could be measured",
        ),
        elements_per_s=0.0,
        element_ms=0.0,
        tuned_gain=None,
        autotune_converged_s=None,
        step_ms=None,
        fraction_of_memset=None,
    )


def failed_in_a_stage() -> Diagnosis:
    """One whose stages are known, but have no figures."""
    figures = {"elements": 0.0, "element_us": 0.0, "self_us": 0.0, "cpu_us": 0.0}
    figures |= {"wait_us": 0.0, "share": 0.0, "bytes_out": 0.0, "buffer": 0}
    unknown = {"buffered": None, "amplification": None, "rate_up_to_here": None}
    stages = [
        dataclasses.replace(each, **figures, **unknown) for each in branching().stages
    ]
    return dataclasses.replace(failed(), stages=tuple(stages), bottleneck="decode_drawings")


def with_what_if(**changes: Any) -> Diagnosis:
    """One with a prediction for accelerators."""
    fields: dict[str, Any] = {
        "accelerator_step_ms": 8.0,
        "replicas": 8,
        "keeps_up": False,
        "predicted_step_ms": 181.0,
        "cores": 46,
        "service_workers": 23,
        "confidence": "medium",
        "reason": "the rate with one processor was measured, that with more was not",
    }
    return plain(what_if=WhatIf(**{**fields, **changes}))


def nothing_to_mend() -> Diagnosis:
    """One that is faster than its consumer."""
    return plain(
        bottleneck=CONSUMER,
        verdict="The pipeline waits for its consumer, and there is nothing to mend.",
        prescriptions=(),
        tuned_gain=None,
    )


def long() -> Diagnosis:
    """Fifteen stages whose names and functions are long."""
    stages = [
        stage(
            number,
            f"normalise_and_augment_{number}",
            op="ParallelInterleaveDatasetV4",
            function="random_resized_crop_and_flip.<locals>.apply",
            line="a_rather_long_name_of_a_module.py:1031",
            element_us=123_456.0,
            elements=1024.0,
            self_us=999.4e3,
            buffer=1024,
            buffered=1.0,
            bytes_out=123.4e6,
            amplification=1000.0 if number else None,
            rate_up_to_here=123_456.7,
            share=1 / 15,
        )
        for number in range(15)
    ]
    return plain(stages=tuple(stages), bottleneck="normalise_and_augment_7")


def hostile() -> Diagnosis:
    """One in which all text is made to break what shows it."""
    stages = tuple(
        dataclasses.replace(each, op=name, name=name, function=name, line=name)
        for each, name in zip(
            [stage(number, "") for number in range(len(HOSTILE))], HOSTILE, strict=True
        )
    )
    prescriptions = tuple(
        dataclasses.replace(
            PRESCRIPTIONS[0], kind=name, stage=number, reason=name, edit=name
        )
        for number, name in enumerate(HOSTILE)
    )
    all_of_it = " ".join(HOSTILE)
    changes: dict[str, Any] = {
        "bottleneck": HOSTILE[0],
        "verdict": all_of_it,
        "stages": stages,
        "prescriptions": prescriptions,
        "problems": HOSTILE,
        "fingerprint": {name: {name: [name, name]} for name in HOSTILE},
    }
    return dataclasses.replace(
        with_what_if(confidence=all_of_it, reason=all_of_it), **changes
    )


ALL = {
    made.__name__: made
    for made in (
        plain,
        branching,
        failed,
        failed_in_a_stage,
        with_what_if,
        nothing_to_mend,
        long,
        hostile,
    )
}
