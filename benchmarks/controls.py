"""Whether a result can be believed: the same arm twice, and a source of known rate."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.quantities import rate_text

_TOLERANCE = 0.02
RANGE = f"1.00 ± {_TOLERANCE:.2f}"


@dataclasses.dataclass(frozen=True)
class Control:
    """A ratio that is 1 if the measurement is right.

    Attributes:
      name: where it stands in the result, such as "cnn_lstm/train".
      ratio: median.
      low: least of all rounds, or None if it is not told.
      high: greatest, likewise.
    """

    name: str
    ratio: float
    low: float | None
    high: float | None

    @property
    def holds(self) -> bool:
        """Whether the ratio is 1.00 +- 0.02."""
        # Ratios are stored with three decimals: 1.02 is inside.
        return abs(self.ratio - 1) <= _TOLERANCE + 1e-9


def controls(result: Mapping[str, Any]) -> list[Control]:
    """Every control of a result; what has no number as its ratio is none.

    Args:
      result: with a control under "control", several by name under "controls", or a source
        of known rate under "known_rate", on any level.
    """
    return list(_controls(result, ()))


def _controls(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Control]:
    for key, inner in value.items():
        if not isinstance(inner, dict):
            continue
        of_several = path and path[-1] == "controls"
        if (key == "control" or of_several) and _number(inner.get("ratio")) is not None:
            levels = [*path[:-1], key] if of_several else path
            name = "/".join(level for level in levels if level != "models")
            yield Control(
                name=name or "the same arm twice",
                ratio=inner["ratio"],
                low=_number(inner.get("ratio_min")),
                high=_number(inner.get("ratio_max")),
            )
        elif key == "known_rate" and _number(inner.get("ratio")) is not None:
            expected = _number(inner.get("expected_clips_per_s"))
            source = "known rate" if expected is None else rate_text(expected, "clips")
            yield Control(f"a source of {source}", inner["ratio"], None, None)
        else:
            yield from _controls(inner, (*path, key))


def table(found: Sequence[Control]) -> list[list[str]]:
    """A line of headings, and one of cells for each control."""
    lines = [["control", "ratio", "least to greatest", "verdict"]]
    for control in found:
        told = control.low is not None and control.high is not None
        lines.append(
            [
                control.name,
                f"{control.ratio:.3f}",
                f"{control.low:.3f} to {control.high:.3f}" if told else "-",
                "holds" if control.holds else f"outside {RANGE}",
            ]
        )
    return lines


def _number(value: Any) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if usable and math.isfinite(value) else None
