"""Rewrites the tables of figures in the documentation from the stored results.

Examples:
  python -m benchmarks.readme_tables
      after a result under benchmarks/results was measured afresh
  python -m benchmarks.readme_tables --check
      changes nothing, and names the tables that are not those of the results

A table stands between two lines of its own, the first of which names the result:

  <!-- table: benchmarks/results/storage.json -->
  <!-- end of table -->

and, as in `training.json#grid`, one of its parts, where it has several tables.

Exit status: 0 done or all up to date, 1 stale tables or a failure, 2 wrong usage.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import series, tables
from dotmotion_tfds import text_file
from dotmotion_tfds.command_line import Flags, fail, run

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = ("README.md", "dotmotion_tfds/moving_dot/README.md")
_START = re.compile(r"<!-- table: (\S+) -->")
_END = "<!-- end of table -->"


class MarkerError(ValueError):
    """The markers of a document do not make sense; the message is one line."""


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.boolean("check", "change nothing, and fail if a table is stale")
    return flags


def rewritten(text: str, table_of: Callable[[str], str]) -> tuple[str, list[str]]:
    """A document with the tables that belong between its markers.

    Args:
      text: the document.
      table_of: makes the table of a result, given its path as the marker has it.

    Returns:
      The document as it should be, and the paths of the tables that have changed.

    Raises:
      MarkerError: if a start has no end, or an end no start.
    """
    lines: list[str] = []
    stale: list[str] = []
    block: list[str] = []
    open_path: str | None = None
    for line in text.split("\n"):
        start = _START.fullmatch(line)
        if start is not None and open_path is not None:
            break
        if line == _END:
            if open_path is None:
                raise MarkerError(f"{_END!r} without a start: expected '<!-- table: ...'")
            table = table_of(open_path).split("\n")
            stale += [open_path] if table != block else []
            lines += [*table, line]
            open_path = None
        elif open_path is not None:
            block.append(line)
        else:
            lines.append(line)
            if start is not None:
                open_path, block = start[1], []
    if open_path is not None:
        raise MarkerError(f"the table of {open_path!r} has no end: expected {_END!r}")
    return "\n".join(lines), stale


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=dict, work=_rewrite)


def _rewrite(options: dict[str, Any]) -> int:
    def table_of(marker: str) -> str:
        path, _, part = marker.partition("#")
        return tables.markdown(series.load(ROOT / path), part)

    found = {}
    for document in DOCUMENTS:
        try:
            text = (ROOT / document).read_text(encoding="utf-8")
            found[document] = rewritten(text, table_of)
        except OSError as error:
            return fail(OSError(f"{document} can't be read: {error.strerror}"), 1)
        except (MarkerError, series.ResultError) as error:
            return fail(MarkerError(f"{document}: {error}"), 1)
    try:
        for document, (text, stale) in found.items():
            for path in stale:
                done = "is not that of" if options["check"] else "is now that of"
                print(f"{document}: the table {done} {path}")
            if stale and not options["check"]:
                text_file.write(ROOT / document, text)
    except OSError as error:
        return fail(error, 1)
    return 1 if options["check"] and any(stale for _, stale in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
