"""How near the rates of a result come to what the machine can do at best."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import series, training
from benchmarks.quantities import percent_text, rate_text
from benchmarks.series import Rate
from dotmotion_tfds.configs import CONFIGS
from trainers.recipes import MODELS

_PREFIX = "ceilings/"
_SPELLED = {"sgemm": "SGEMM"}
_THREADS = re.compile(r"(\w+)_(\d+)_threads")


@dataclasses.dataclass(frozen=True)
class Roofline:
    """Rates and the ceilings above them, all in the same unit.

    Attributes:
      achieved: what the arms of a result do, in bytes or floating-point operations.
      ceilings: what the machine does at best.
      about: what was counted, in a sentence.
    """

    achieved: tuple[Rate, ...]
    ceilings: tuple[Rate, ...]
    about: str

    @property
    def highest(self) -> Rate:
        """The ceiling that fractions are of: memset if there is one, with all threads."""
        writing = [rate for rate in self.ceilings if rate.name.startswith("memset")]
        return max(writing or self.ceilings, key=lambda rate: rate.per_s)

    def fraction(self, rate: Rate) -> float:
        """A rate as a fraction of `highest`."""
        return rate.per_s / self.highest.per_s


def is_ceiling(rate: Rate) -> bool:
    """Whether a rate of a result is one of its ceilings."""
    return rate.name.startswith(_PREFIX)


def roofline(result: Mapping[str, Any]) -> Roofline | None:
    """The roofline of a result, or None if it has no ceilings or nothing to compare."""
    rates = series.rates(result)
    achieved, about = _achieved(result, rates)
    units = {rate.unit for rate in achieved}
    ceilings = tuple(
        dataclasses.replace(rate, name=_ceiling_name(rate.name))
        for rate in rates.values()
        if is_ceiling(rate) and rate.unit in units and rate.per_s > 0
    )
    if not achieved or not ceilings:
        return None
    return Roofline(tuple(achieved), ceilings, about)


def table(found: Roofline) -> list[list[str]]:
    """A line of headings, and one of cells for each ceiling and each rate."""
    lines = [["rate", "a second", f"of {found.highest.name}"]]
    for rate in (*found.ceilings, *found.achieved):
        text = rate_text(rate.per_s, rate.unit)
        lines.append([rate.name, text, percent_text(found.fraction(rate))])
    return lines


def _ceiling_name(name: str) -> str:
    """The name of "ceilings/memset_2_threads" as people say it."""
    plain = name[len(_PREFIX) :]
    threads = _THREADS.fullmatch(plain)
    if threads is None:
        return _SPELLED.get(plain, plain.replace("_", " "))
    ending = "thread" if threads[2] == "1" else "threads"
    return f"{threads[1]}, {threads[2]} {ending}"


def _achieved(
    result: Mapping[str, Any], rates: Mapping[str, Rate]
) -> tuple[Sequence[Rate], str]:
    of_clips = [rate for rate in rates.values() if rate.unit == "clips"]
    if result["benchmark"] == "training":
        scaled = [_in_units(rate, "flops", _clip_flops(rate.name)) for rate in of_clips]
        about = (
            "Floating-point operations that the layers' definitions count, over the time "
            "of a step. Faster algorithms do fewer, so that a step can exceed the ceiling."
        )
    else:
        scaled = [
            _in_units(rate, "bytes", _clip_bytes(result, rate.name)) for rate in of_clips
        ]
        about = "Bytes of the frames that are delivered."
    return [rate for rate in scaled if rate is not None], about


def _in_units(rate: Rate, unit: str, each: float | None) -> Rate | None:
    if each is None or rate.per_s == 0:
        return None
    return dataclasses.replace(
        rate,
        unit=unit,
        per_s=rate.per_s * each,
        low=rate.low * each,
        high=rate.high * each,
    )


def _clip_flops(name: str) -> float | None:
    """Operations for each clip of "cnn_lstm/train/fast", None if it is no such name."""
    model, _, rest = name.partition("/")
    kind = rest.partition("/")[0]
    if model not in MODELS:
        return None
    spec = CONFIGS["standard"].spec
    shape = (spec.frames, spec.height, spec.width, spec.channels)
    return training.step_flops(model, 1, shape).get(kind)


def _clip_bytes(result: Mapping[str, Any], name: str) -> float | None:
    """Bytes of frames that an arm delivers for each clip, None if it delivers none."""
    # Building, writing and verifying need not make a frame.
    if result["benchmark"] == "storage" and not name.endswith("/read"):
        return None
    arms = result.get("arms")
    arm = arms.get(name) if isinstance(arms, dict) else None
    delivered = arm.get("delivered_bytes_per_clip") if isinstance(arm, dict) else None
    for candidate in (delivered, result.get("clip_bytes")):
        if isinstance(candidate, (int, float)) and candidate > 0:
            return float(candidate)
    return None
