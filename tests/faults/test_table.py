"""The table of promises tells how tests ended, and the suite tells when they fail."""

from __future__ import annotations

import sys

import pytest

from tests.faults import table
from tests.faults.runs import run

PAGE = f"before\n{table._BEGIN}\nold\n{table._END}\nafter\n"

_TESTS = """
import pytest

@pytest.mark.fault("a cut", "named")
@pytest.mark.parametrize("size", [1, 2])
def test_cut(size):
    pass

@pytest.mark.fault("a kill", "the same")
def test_kill():
    assert False

@pytest.mark.fault("a flip", "named")
def test_flip():
    pytest.skip("no")

@pytest.mark.fault("a setup", "whole")
def test_setup(missing):
    pass

def test_of_no_row():
    pass
"""


def test_a_page_keeps_what_is_around_its_table():
    found = table.Table()
    found.add("a cut", "named", "tests/b.py::test_cut", "passed")
    page = table.written(PAGE, found)
    assert page.startswith(f"before\n{table._BEGIN}\n| fault | ")
    assert page.endswith(f"`tests/b.py::test_cut` | held |\n{table._END}\nafter\n")
    with pytest.raises(ValueError, match="the page lacks"):
        table.written("no marks", found)


def test_a_run_of_some_tests_leaves_other_rows():
    old = table.Table()
    old.add("a cut", "named", "tests/b.py::test_cut", "failed")
    old.add("a kill", "the same", "tests/a.py::test_kill", "passed")
    new = table.Table()
    new.add("a cut", "named", "tests/b.py::test_cut", "passed")
    page = table.written(PAGE, old)
    some = table.written(page, new, is_whole=False)
    assert some == page.replace("1 failed", "held")
    assert "a kill" not in table.written(page, new)


@pytest.mark.parametrize("processes", [0, 2])
def test_rows_say_how_their_tests_ended(tmp_path, processes):
    (tmp_path / "test_rows.py").write_text(_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = fault\n")
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    done = run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.faults.table",
            f"--reliability={page}",
            f"--numprocesses={processes}",
            f"--rootdir={tmp_path}",
            str(tmp_path / "test_rows.py"),
        ],
        env={"PYTHONPATH": "."},
    )
    assert done.returncode == 1, done.stderr
    rows = [line for line in page.read_text().splitlines() if line.startswith("| a ")]
    assert sorted(rows) == [
        "| a cut | named | `test_rows.py::test_cut` | held, 2 times |",
        "| a flip | named | `test_rows.py::test_flip` | 1 skipped |",
        "| a kill | the same | `test_rows.py::test_kill` | 1 failed |",
        "| a setup | whole | `test_rows.py::test_setup` | 1 failed |",
    ]
