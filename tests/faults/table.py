"""A pytest plugin: the table of faults, promises, tests and results.

`pytest -m fault -p tests.faults.table --reliability=docs/reliability.md` writes the rows
between two marks of that page. A test says of which row it is a proof by
`@pytest.mark.fault(fault, promise)`. A run of some tests, by their names or by `-k`, leaves
the rows of others as they are.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import pytest

_BEGIN, _END = "<!-- begin of the table -->", "<!-- end of the table -->"
_HEADINGS = ["fault", "what is promised", "test", "result"]
Key = tuple[str, str]


class Table:
    """Rows by fault and promise, in the order of the tests."""

    def __init__(self) -> None:
        self.rows: dict[Key, dict[str, list[str]]] = {}

    def add(self, fault: str, promise: str, test: str, outcome: str) -> None:
        """Notes how a test of a row ended."""
        tests = self.rows.setdefault((fault, promise), {})
        tests.setdefault(test, []).append(outcome)

    def lines(self, kept: Sequence[str] = ()) -> list[str]:
        """The table in Markdown.

        Args:
          kept: lines of an earlier table, for rows that are not in this one.
        """
        by_row = {}
        for line in kept:
            cells = _cells(line)
            if cells is not None:
                by_row[cells[0], cells[1]] = (cells[2], line)
        for (fault, promise), tests in self.rows.items():
            names = ", ".join(f"`{name}`" for name in sorted(tests))
            result = _result([each for outcomes in tests.values() for each in outcomes])
            line = f"| {fault} | {promise} | {names} | {result} |"
            by_row[fault, promise] = (names, line)
        return [
            f"| {' | '.join(_HEADINGS)} |",
            f"|{'---|' * len(_HEADINGS)}",
            *(line for _, line in sorted(by_row.values())),
        ]


def _cells(line: str) -> list[str] | None:
    """The cells of a row; None for headings and what is no row."""
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    is_row = len(cells) == len(_HEADINGS) and cells != _HEADINGS
    return cells if is_row and set(line) != set("|-") else None


def _result(outcomes: list[str]) -> str:
    counts = {name: outcomes.count(name) for name in dict.fromkeys(sorted(outcomes))}
    if set(counts) == {"passed"}:
        return "held" if len(outcomes) == 1 else f"held, {len(outcomes)} times"
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def written(page: str, table: Table, *, is_whole: bool = True) -> str:
    """A page with another table between its marks.

    Args:
      page: which page.
      table: what was found.
      is_whole: whether rows that are not in it are dropped.
    """
    before, begin, rest = page.partition(_BEGIN)
    old, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"the page lacks {_BEGIN!r} or {_END!r}")
    lines = table.lines([] if is_whole else old.splitlines())
    return "\n".join([f"{before}{begin}", *lines, f"{end}{after}"])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", help="page whose table is written anew")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    outcome = yield
    report = outcome.get_result()
    for mark in item.iter_markers("fault"):
        report.user_properties.append(("fault", mark.args))


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--reliability")
    # The workers of xdist report to the process that has started them.
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(pathlib.Path(path), config))


class _Writer:
    def __init__(self, path: pathlib.Path, config: pytest.Config) -> None:
        self._path = path
        is_named = config.args_source is pytest.Config.ArgsSource.ARGS
        self._is_whole = not (is_named or config.getoption("keyword"))
        self._table = Table()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # What fails before or after a test is a failure of it.
        if report.when != "call" and report.outcome == "passed":
            return
        test = report.nodeid.partition("[")[0]
        for name, value in report.user_properties:
            if name == "fault":
                fault, promise = value
                self._table.add(fault, promise, test, report.outcome)

    def pytest_sessionfinish(self) -> None:
        if self._table.rows:
            page = self._path.read_text(encoding="utf-8")
            page = written(page, self._table, is_whole=self._is_whole)
            self._path.write_text(page, encoding="utf-8")
