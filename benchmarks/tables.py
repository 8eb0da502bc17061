"""The table of a result, by the module of the benchmark that wrote it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from benchmarks import series
from benchmarks.quantities import rate_text
from benchmarks.series import ResultError

# What each writes into its results as "benchmark". Imported when they are needed, as some
# import what takes long.
MODULES = {
    "doctor": "benchmarks.doctor_scores",
    "input": "benchmarks.input",
    "peers": "benchmarks.peers",
    "recipes": "benchmarks.recipes",
    "storage": "benchmarks.storage",
    "training": "benchmarks.training",
}


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and lines of as many cells.

    Args:
      result: as `series.load` returns it.

    Returns:
      What the function `table` of the benchmark's module makes of it, or a table of all
      rates if there is no such function.

    Raises:
      ResultError: if the result lacks what the table shows, or the module needs a package
        that is not installed.
    """
    module = _module(result)
    if module is None or not hasattr(module, "table"):
        return rates_table(result)
    return _made_by(module.table, result)


def parts(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Further tables of a result, by what they show; raises as `table`."""
    module = _module(result)
    if module is None or not hasattr(module, "parts"):
        return {}
    found: dict[str, list[list[str]]] = _made_by(module.parts, result)
    return found


def rates_table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each rate in a result."""
    lines = [["rate", "median", "least", "greatest", "spread", "turns"]]
    for rate in series.rates(result).values():
        rates = (rate_text(of, rate.unit) for of in (rate.per_s, rate.low, rate.high))
        lines.append([rate.name, *rates, f"{rate.spread:.0%}", str(rate.repeats)])
    return lines


def markdown(result: Mapping[str, Any], part: str = "") -> str:
    """The table of a result as the documentation shows it.

    Args:
      result: as `series.load` returns it.
      part: which of `parts`, or the result's own table.

    Raises:
      ResultError: as `table` does, or if there is no such part.
    """
    if not part:
        return as_markdown(table(result))
    found = parts(result)
    if part not in found:
        raise ResultError(
            f"a result of {result['benchmark']!r} has no part {part!r}: expected one of "
            f"{list(found)}"
        )
    return as_markdown(found[part])


def as_markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, the headings first, as a table in Markdown."""
    headings, *rest = (f"| {' | '.join(map(escaped, cells))} |" for cells in lines)
    return "\n".join([headings, "|---" * len(lines[0]) + "|", *rest])


def escaped(text: str) -> str:
    """Text on one line that Markdown takes for nothing but text."""
    one_line = " ".join(text.split())
    for special in ("\\", "|", "<", "`", "["):
        one_line = one_line.replace(special, f"\\{special}")
    return one_line


def _module(result: Mapping[str, Any]) -> ModuleType | None:
    name = MODULES.get(result["benchmark"])
    if name is None or importlib.util.find_spec(name) is None:
        return None
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ResultError(f"{name} can't be imported: {error}") from error


def _made_by(function: Any, result: Mapping[str, Any]) -> Any:
    try:
        return function(result)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ResultError(
            f"a result of {result['benchmark']!r} lacks what its table shows "
            f"({type(error).__name__}: {error}): measure it afresh"
        ) from error
