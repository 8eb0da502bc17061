"""A pytest plugin: the table of faults, promises, tests and results.

`pytest -m fault -p tests.faults.table --reliability=docs/reliability.md` writes the rows
between two marks of that page. A test says of which row it is a proof by
`@pytest.mark.fault(fault, promise)`.
"""

from __future__ import annotations

import pathlib
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

    def lines(self) -> list[str]:
        """The table in Markdown."""
        found = [
            f"| {' | '.join(_HEADINGS)} |",
            f"|{'---|' * len(_HEADINGS)}",
        ]
        order = sorted(self.rows.items(), key=lambda row: min(row[1]))
        for (fault, promise), tests in order:
            names = ", ".join(f"`{name}`" for name in sorted(tests))
            result = _result([each for outcomes in tests.values() for each in outcomes])
            found.append(f"| {fault} | {promise} | {names} | {result} |")
        return found


def _result(outcomes: list[str]) -> str:
    counts = {name: outcomes.count(name) for name in dict.fromkeys(sorted(outcomes))}
    if set(counts) == {"passed"}:
        return "held" if len(outcomes) == 1 else f"held, {len(outcomes)} times"
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def written(page: str, lines: list[str]) -> str:
    """A page with other lines between its marks."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"the page lacks {_BEGIN!r} or {_END!r}")
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
        config.pluginmanager.register(_Writer(pathlib.Path(path)))


class _Writer:
    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
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
            self._path.write_text(written(page, self._table.lines()), encoding="utf-8")
