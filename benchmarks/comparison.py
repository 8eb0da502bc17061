"""What has changed between two results of one benchmark, beyond their noise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.quantities import rate_text
from benchmarks.series import Rate

# What the system reports of the same machine's memory changes with its kernel.
_MEMORY_TOLERANCE = 0.1
_MACHINE = ("cpu", "cpus", "system")
_VERSIONS = ("python", "tensorflow", "keras")


@dataclasses.dataclass(frozen=True)
class Change:
    """One rate in two results.

    Attributes:
      name: of the rate.
      old: the rate in the older result, or None.
      new: the rate in the newer result, or None; not both are.
    """

    name: str
    old: Rate | None
    new: Rate | None

    @property
    def ratio(self) -> float | None:
        """How many times the old rate the new one is; None without an old rate above 0."""
        if self.old is None or self.new is None or self.old.per_s == 0:
            return None
        return self.new.per_s / self.old.per_s

    @property
    def band(self) -> tuple[float, float] | None:
        """Least and greatest ratio between turns; the second can be infinite.

        A rate of a single turn has no range of its own, and gets the other's spread.
        """
        if self.old is None or self.new is None:
            return None
        old_low, old_high = _range(self.old, self.new)
        new_low, new_high = _range(self.new, self.old)
        return _divide(new_low, old_high), _divide(new_high, old_low)

    @property
    def verdict(self) -> str:
        """'faster', 'slower', 'within noise', 'only in old' or 'only in new'."""
        if self.new is None:
            return "only in old"
        if self.band is None:
            return "only in new"
        low, high = self.band
        return "faster" if low > 1 else "slower" if high < 1 else "within noise"


def changes(old: Mapping[str, Rate], new: Mapping[str, Rate]) -> list[Change]:
    """Every rate of two results, in the order of the old one, then of the new one.

    A rate that is counted in another unit is another rate.
    """
    alike = [
        name for name, rate in old.items() if name in new and new[name].unit == rate.unit
    ]
    return [
        *(
            Change(name, rate, new[name] if name in alike else None)
            for name, rate in old.items()
        ),
        *(Change(name, None, rate) for name, rate in new.items() if name not in alike),
    ]


def failures(found: Sequence[Change], factor: float) -> list[str]:
    """What a check for regressions has to complain about, a line for each rate.

    Args:
      found: what `changes` found.
      factor: how many times as fast the old rate may be, at least 1.
    """
    lines = []
    for change in found:
        if change.new is None:
            lines.append(f"{change.name} is missing in the new result")
        elif (
            change.verdict == "slower"
            and change.ratio is not None
            and change.ratio * factor < 1
        ):
            lines.append(
                f"{change.name} is slower than 1/{factor:g}: {change.ratio:.3f} times the "
                "old rate"
            )
    return lines


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Why two results are not comparable; empty if they are.

    The benchmark and what it worked on have to be equal, and the processor, the number of
    processors, the system, memory to a tenth, and versions of Python, TensorFlow and Keras
    to the second number.

    Args:
      old: a result, as `series.load` returns it.
      new: another one.

    Returns:
      For each field that differs its name and both values.
    """
    sides = [dict(_comparable(result)) for result in (old, new)]
    return [
        f"{field} {sides[0][field]!r} and {sides[1][field]!r}"
        for field in sides[0]
        if not _alike(field, sides[0][field], sides[1][field])
    ]


def table(found: Sequence[Change]) -> list[list[str]]:
    """A line of headings, and one of cells for each rate."""
    lines = [["rate", "old", "new", "ratio", "noise band", "spread", "verdict"]]
    for change in found:
        sides = [side for side in (change.old, change.new) if side is not None]
        old, new = (
            "-" if side is None else rate_text(side.per_s, side.unit)
            for side in (change.old, change.new)
        )
        ratio = "-" if change.ratio is None else f"{change.ratio:.3f}"
        band = (
            "-" if change.band is None else f"{change.band[0]:.3f} to {change.band[1]:.3f}"
        )
        spread = ", ".join(f"{side.spread:.0%}" for side in sides)
        lines.append([change.name, old, new, ratio, band, spread, change.verdict])
    return lines


def _range(rate: Rate, other: Rate) -> tuple[float, float]:
    if rate.repeats > 1:
        return rate.low, rate.high
    half = other.spread / 2
    return rate.per_s * max(1 - half, 0), rate.per_s * (1 + half)


def _divide(numerator: float, denominator: float) -> float:
    if denominator:
        return numerator / denominator
    return math.inf if numerator else 1.0


def _comparable(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    fingerprint = result["fingerprint"]
    settings = result.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    yield "benchmark", result["benchmark"]
    for field in ("batch_size", "clip_bytes"):
        yield field, result.get(field, settings.get(field))
    for field in (*_MACHINE, "memory_gib"):
        yield field, fingerprint.get(field)
    for field in _VERSIONS:
        version = fingerprint.get(field)
        yield field, version and ".".join(str(version).split(".")[:2])


def _alike(field: str, old: Any, new: Any) -> bool:
    if field == "memory_gib" and all(isinstance(side, (int, float)) for side in (old, new)):
        return abs(old - new) <= _MEMORY_TOLERANCE * max(old, new)
    return old == new
