"""What an examination of a pipeline has found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

CONSUMER = "consumer"


@dataclasses.dataclass(frozen=True)
class Stage:
    """One step of a pipeline, in the order in which elements pass.

    Times and counts are those of one element that the whole pipeline gives, a batch as a
    rule, unless they say otherwise. Times and bytes of a stage that could not be measured
    alone are None.

    Attributes:
      number: from 0, the source.
      op: operation of the runtime, such as "ParallelMapDatasetV2".
      name: what the user called it by `name=`, or the operation.
      function: the user's function, such as "decode"; empty if there is none.
      line: where the user's code made it, such as "input.py:31"; empty if not known.
      inputs: numbers of the stages whose elements it takes.
      elements: how many elements it gives for one of the whole pipeline.
      element_us: wall time of one of its own elements, when it runs alone and one at a
        time.
      self_us: wall time that it alone takes, one element after the other.
      cpu_us: CPU time of that.
      wait_us: the part of `self_us` in which it used no processor: files, sleep, the lock
        of another.
      parallelism: elements that the runtime works on at once.
      buffer: elements that it holds ready at most; 0 without a buffer.
      buffered: of them, how full the buffer was, from 0 to 1; None without one.
      bytes_out: bytes of the elements that it gives.
      amplification: bytes that it gives over bytes that it takes; None for a source, or
        if one of both is not known.
      rate_up_to_here: of the pipeline cut after this stage, in elements of the whole
        pipeline a second; None if it was not measured.
      share: of the time that one element of the whole pipeline takes, from 0 to 1; 0 if
        the stage could not be measured.
    """

    number: int
    op: str
    name: str
    function: str
    line: str
    inputs: tuple[int, ...]
    elements: float
    element_us: float | None
    self_us: float | None
    cpu_us: float | None
    wait_us: float | None
    parallelism: float
    buffer: int
    buffered: float | None
    bytes_out: float | None
    amplification: float | None
    rate_up_to_here: float | None
    share: float

    @property
    def label(self) -> str:
        """Name, function and line, as people read them."""
        text = self.name if not self.function else f"{self.name} {self.function}"
        return f"{text} ({self.line})" if self.line else text


@dataclasses.dataclass(frozen=True)
class Prescription:
    """A change that makes the pipeline faster.

    Attributes:
      kind: such as "vectorise" or "parallel filter".
      stage: number of the stage that it is about.
      reason: why, in a sentence.
      edit: what to change in the code.
      predicted_gain: rate after it over rate now, by what its part of the pipeline does
        when it is run alone and what the other stages cost; None where neither can tell.
      measured_gain: the same, measured by rewriting the pipeline; None if only the user can
        make the change.
      keeps_elements: whether elements and their order stay the same.
      is_applied_by_tune: whether `tune` makes this change by itself.
    """

    kind: str
    stage: int
    reason: str
    edit: str
    predicted_gain: float | None
    measured_gain: float | None
    keeps_elements: bool
    is_applied_by_tune: bool


@dataclasses.dataclass(frozen=True)
class WhatIf:
    """Whether the pipeline keeps up with accelerators.

    Attributes:
      accelerator_step_ms: of one replica's step.
      replicas: that each take an element in every step.
      keeps_up: whether the pipeline as it is does.
      predicted_step_ms: the longer of the accelerator's step and the pipeline's.
      cores: processors that the pipeline would need to keep up, at least; None if no
        number would do, because a part that can't run in parallel is too slow.
      service_workers: machines like this one that would do as workers of tf.data's
        service, this one included.
      confidence: "high", "medium" or "low".
      reason: of the confidence, in a sentence.
    """

    accelerator_step_ms: float
    replicas: int
    keeps_up: bool
    predicted_step_ms: float
    cores: int | None
    service_workers: int
    confidence: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What holds a pipeline back, and what to do about it.

    Attributes:
      bottleneck: name of the stage that limits the rate, as the user gave it, or its
        operation; "consumer" if the pipeline is faster than what takes its elements.
      verdict: what was found, in a sentence or two.
      stages: in pipeline order.
      prescriptions: in order of gain; none if there is nothing to mend.
      elements_per_s: of the whole pipeline.
      spread: largest less smallest rate of repeated runs, over their median.
      element_ms: time from one element to the next.
      cpu_ms: CPU time of an element, of all threads.
      cores: processors that this process may use.
      page_faults: for each element.
      bytes_per_element: of what the pipeline gives.
      fraction_of_memset: bytes of the elements a second, over what this machine's memory
        takes when all processors only write.
      first_element_s: from the call of the user's function to the first element.
      autotune_converged_s: when AUTOTUNE had stopped to change parallelism and buffers;
        None if it is off or had not within the time there was.
      step_ms: of the consumer, if it was given or measured.
      examined_s: how long it took to find all this.
      problems: what went wrong or could not be measured, a line each; an error in the
        user's function is the first, with the stage it comes from.
      what_if: the prediction for accelerators, if it was asked for.
      tuned_gain: rate of the pipeline that `tune` makes over the rate now; None if it
        changes nothing.
      fingerprint: of the machine.
    """

    bottleneck: str
    verdict: str
    stages: tuple[Stage, ...]
    prescriptions: tuple[Prescription, ...]
    elements_per_s: float
    spread: float
    element_ms: float
    cpu_ms: float
    cores: int
    page_faults: float
    bytes_per_element: float
    fraction_of_memset: float | None
    first_element_s: float
    autotune_converged_s: float | None
    step_ms: float | None
    examined_s: float
    problems: tuple[str, ...] = ()
    what_if: WhatIf | None = None
    tuned_gain: float | None = None
    fingerprint: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for a JSON file."""
        return dataclasses.asdict(self)
