"""Makes one page of results that benchmarks have written with --json.

Examples:
  python -m benchmarks.report benchmarks/results/*.json --out=report.html
      a page that needs no network, with the tables, charts and controls of each result
  python -m benchmarks.report training.json --against=benchmarks/results/training.json
      also what has changed since an earlier result
  python -m benchmarks.report benchmarks/results/*.json --markdown=report.md
      also the tables in Markdown

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import report_markdown, report_page, report_sections, series
from benchmarks.report_sections import Measured
from dotmotion_tfds import json_file, text_file
from dotmotion_tfds.command_line import Flags, UsageError, fail, run

_TITLE = "Benchmarks of dotmotion"


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.positional("results", "result files, in the order of the page")
    flags.string("out", "report.html", "file for the page")
    flags.string("against", None, "earlier result files, separated by commas")
    flags.string("markdown", None, "file for the tables in Markdown")
    flags.string("json", None, "file for what the page says, charts included")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_write)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    results = [_measured(path) for path in given["results"]]
    against = [_measured(path) for path in (given["against"] or "").split(",") if path]
    known = {measured.result["benchmark"] for measured in results}
    for old in against:
        if old.result["benchmark"] not in known:
            raise UsageError(
                f"--against has a result of {old.result['benchmark']!r}: expected some of "
                f"{', '.join(sorted(known))}"
            )
    places = {
        flag: None if given[flag] is None else text_file.require_place(flag, given[flag])
        for flag in ("out", "markdown", "json")
    }
    return {"sections": report_sections.sections(results, against), **places}


def _measured(path: str) -> Measured:
    return Measured(pathlib.Path(path).stem, series.load(path))


def _write(options: dict[str, Any]) -> int:
    sections = options["sections"]
    try:
        text_file.write(options["out"], report_page.page(sections, _TITLE))
        if options["markdown"] is not None:
            text_file.write(options["markdown"], report_markdown.markdown(sections))
        if options["json"] is not None:
            told = [dataclasses.asdict(section) for section in sections]
            json_file.write(options["json"], {"sections": told})
    except OSError as error:
        return fail(error, 1)
    print(f"wrote {options['out']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
