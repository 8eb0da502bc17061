"""What programs that measure do around it: progress, a table, controls, a file, errors."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import controls
from benchmarks.arms import MeasureError
from dotmotion_tfds import json_file
from dotmotion_tfds.command_line import UsageError, fail

Result = dict[str, Any]
Advance = Callable[[str], Any]


def place_of_result(given: str | None) -> pathlib.Path | None:
    """The path that `--json` names, checked before anything is measured.

    Raises:
      dotmotion_tfds.SpecError: if no file can be there.
    """
    return None if given is None else json_file.require_place(given)


def chosen(flag: str, text: str, known: Sequence[str]) -> list[str]:
    """The names in a flag's value, separated by commas.

    Raises:
      UsageError: if one of them is not known or stands there twice.
    """
    names = text.split(",")
    if not set(names) <= set(known) or len(set(names)) < len(names):
        raise UsageError(f"--{flag}={text!r}: expected some of {', '.join(known)}")
    return names


def require_seconds(seconds: float) -> float:
    """The length of a turn.

    Raises:
      UsageError: if it is not between 0.01 and 600 s.
    """
    if not 0.01 <= seconds <= 600:
        raise UsageError(f"--seconds={seconds}: expected 0.01 to 600")
    return seconds


def run(
    measure: Callable[[pathlib.Path, Advance], Result],
    *,
    turns: int,
    show: Callable[[Result], Any],
    json: pathlib.Path | None,
    directory: str | None = None,
    unit: str = "turns",
) -> int:
    """Measures with a progress bar, shows the result and its controls, and writes it.

    Args:
      measure: makes the result, given an empty directory that is gone afterwards and
        what to call with a name after each turn.
      turns: how many there will be.
      show: prints the result.
      json: file for the result, or None.
      directory: where to make the empty one; where the system has such by default.
      unit: what a turn is called.

    Returns:
      The exit status: 0, or 1 after an error was printed.
    """
    try:
        with (
            tempfile.TemporaryDirectory(dir=directory) as folder,
            tqdm(total=turns, unit=f" {unit}", leave=False, disable=None) as bar,
        ):

            def advance(name: str) -> None:
                bar.set_postfix_str(name, refresh=False)
                bar.update()

            result = measure(pathlib.Path(folder), advance)
        show(result)
        _print_controls(result)
        if json is not None:
            json_file.write(json, result)
    except (MeasureError, OSError) as error:
        return fail(error, 1)
    return 0


def print_table(
    lines: Sequence[Sequence[str]],
    *,
    title: str | None = None,
    texts: int = 1,
    notes: Sequence[str] = (),
    width: int = 120,
) -> None:
    """Prints lines of cells as a table.

    Args:
      lines: of as many cells; the first has the headings.
      title: what stands above it.
      texts: how many columns from the left hold text; the others are numbers.
      notes: lines below it.
      width: characters.
    """
    headings, *rest = lines
    shown = Table(title=title, title_justify="left")
    longest = max((len(name) for name, *_ in rest), default=0)
    shown.add_column(headings[0], min_width=min(longest, width // 3))
    for number, heading in enumerate(headings[1:], start=1):
        shown.add_column(heading, justify="left" if number < texts else "right")
    for cells in rest:
        shown.add_row(*cells)
    # Cells are what they are: "[peers]" is no markup.
    console = Console(width=width, markup=False)
    console.print(shown)
    for note in notes:
        console.print(note)


def _print_controls(result: Mapping[str, Any]) -> None:
    for control in controls.controls(result):
        verdict = "" if control.holds else f", outside {controls.RANGE}"
        print(f"control, {control.name}: {control.ratio:.3f}{verdict}")
