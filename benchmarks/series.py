"""The rates in a result file, whichever benchmark wrote it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from dotmotion_tfds.command_line import UsageError

# Levels of a result that are there for the reader of the file, and tell nothing.
_UNINFORMATIVE = ("models", "ways", "encodings", "arms")
_SUFFIX = "_per_s"


class ResultError(UsageError):
    """A file is no result of a benchmark, or one that can't be used; one line."""


@dataclasses.dataclass(frozen=True)
class Rate:
    """What `measure.Samples.summary` wrote of one arm.

    Attributes:
      name: its path in the result, such as "cnn_lstm/train/fast".
      unit: what is counted, such as "clips".
      per_s: median of the turns, in units a second.
      low: that of the slowest turn.
      high: that of the fastest turn.
      spread: `high` less `low`, as a fraction of the median.
      repeats: turns.
    """

    name: str
    unit: str
    per_s: float
    low: float
    high: float
    spread: float
    repeats: int


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads a result file.

    Args:
      path: of the file.

    Raises:
      ResultError: if it can't be read, or is not what a benchmark writes with `--json`.
    """
    name = os.fspath(path)
    try:
        result = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(f"{name!r} can't be read: {error.strerror}") from None
    # Deep nesting exhausts the parser's stack.
    except (ValueError, RecursionError):
        raise ResultError(f"{name!r} is not JSON: expected a result file") from None
    named = isinstance(result, dict) and isinstance(result.get("benchmark"), str)
    if not named or not isinstance(result.get("fingerprint"), dict):
        raise ResultError(
            f"{name!r} is not the result of a benchmark: expected what one writes with "
            "--json, with 'benchmark' and 'fingerprint'"
        )
    return result


def rates(result: Mapping[str, Any]) -> dict[str, Rate]:
    """Every rate of a result.

    Args:
      result: as `load` returns it.

    Returns:
      The rates by name, in the order of the file.

    Raises:
      ResultError: if a summary holds something else than numbers, or two rates have the
        same name.
    """
    found: dict[str, Rate] = {}
    for path, summary in _dicts(result, ()):
        for unit in _units(summary):
            informative = [level for level in path if level not in _UNINFORMATIVE]
            name = "/".join(informative) or unit
            if name in found:
                raise ResultError(f"two rates are called {name!r}: expected one")
            found[name] = _rate(name, unit, summary)
    return found


def _dicts(
    value: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    yield path, value
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _dicts(inner, (*path, key))


def _units(summary: Mapping[str, Any]) -> list[str]:
    if not {"spread", "repeats"} <= set(summary):
        return []
    units = [key[: -len(_SUFFIX)] for key in summary if key.endswith(_SUFFIX)]
    return [
        unit for unit in units if {f"{unit}_per_s_min", f"{unit}_per_s_max"} <= set(summary)
    ]


def _rate(name: str, unit: str, summary: Mapping[str, Any]) -> Rate:
    def number(key: str) -> float:
        value = summary[key]
        usable = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not usable or not math.isfinite(value) or value < 0:
            raise ResultError(f"{name!r} has {key}={value!r}: expected a number from 0")
        return value

    return Rate(
        name=name,
        unit=unit,
        per_s=number(f"{unit}_per_s"),
        low=number(f"{unit}_per_s_min"),
        high=number(f"{unit}_per_s_max"),
        spread=number("spread"),
        repeats=int(number("repeats")),
    )
