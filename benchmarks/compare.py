"""Compares two results of one benchmark, and fails if the newer one is slower.

Examples:
  python -m benchmarks.compare benchmarks/results/training.json training.json
      each rate of both, and whether they differ by more than their noise
  python -m benchmarks.compare old.json new.json --fail-if-slower=1.5
      only a rate that fell to less than two thirds fails
  python -m benchmarks.compare old.json new.json --force
      although they come from different machines or versions

A rate is slower or faster if the rates of all its turns are: if the ranges from the least
to the greatest do not overlap. The noise band is what the ratio can be between turns of
these ranges. A rate of OLD that NEW does not have fails too.

Exit status: 0 not slower, 1 slower or missing, 2 wrong usage or not comparable.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import comparison, series
from dotmotion_tfds.command_line import Flags, UsageError, run

_COLOURS = {"faster": "green", "slower": "red", "only in old": "red"}


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.positional("results", "OLD and NEW, two result files", least=2, most=2)
    flags.number(
        "fail-if-slower", 1.1, "fail if OLD is this many times as fast, beyond noise"
    )
    flags.boolean("force", "compare results of different machines and benchmarks too")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_compare)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    factor = given["fail-if-slower"]
    if not 1 <= factor < math.inf:
        raise UsageError(f"--fail-if-slower={factor}: expected a factor from 1")
    old, new = (series.load(path) for path in given["results"])
    differences = comparison.differences(old, new)
    if differences and not given["force"]:
        raise UsageError(
            f"the results are not comparable: {'; '.join(differences)}: expected the same, "
            "or --force"
        )
    changes = comparison.changes(series.rates(old), series.rates(new))
    if not any(change.old for change in changes):
        raise UsageError(f"{given['results'][0]!r} has no rates: expected some to compare")
    return {"changes": changes, "factor": factor, "differences": differences}


def _compare(options: dict[str, Any]) -> int:
    changes, factor = options["changes"], options["factor"]
    failures = comparison.failures(changes, factor)
    headings, *lines = comparison.table(changes)
    shown = Table()
    for number, heading in enumerate(headings):
        is_text = number in (0, len(headings) - 1)
        shown.add_column(heading, justify="left" if is_text else "right")
    for cells in lines:
        verdict = Text(cells[-1], style=_COLOURS.get(cells[-1], ""))
        shown.add_row(*(Text(cell) for cell in cells[:-1]), verdict)
    console = Console(width=132)
    console.print(shown)
    for difference in options["differences"]:
        console.print(Text(f"not comparable, but forced: {difference}"))
    for failure in failures:
        console.print(Text(f"failed: {failure}"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
