"""Any values of any flags of any program: options, or one line and nothing written."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotmotion_tfds import command_line

PROGRAMS = (
    "benchmarks.compare",
    "benchmarks.doctor.__main__",
    "benchmarks.input",
    "benchmarks.peers",
    "benchmarks.recipes",
    "benchmarks.report",
    "benchmarks.storage",
    "benchmarks.training",
    "dotmotion_tfds.croissant",
    "dotmotion_tfds.preview",
    "dotmotion_tfds.statistics_report",
    "dotmotion_tfds.verify",
    "trainers.main",
)
# What would be said if the options were taken.
_TAKEN = 77


def values():
    """What people and scripts pass: sensible, senseless and hostile."""
    return st.one_of(
        st.text(max_size=12),
        st.integers().map(str),
        st.floats().map(str),
        st.sampled_from(
            [
                "",
                "0",
                "1e309",
                "standard",
                "notebook",
                "{}",
                '{"frames": []}',
                '{"frames": 1e99}',
                "[" * 5000,
                "cache",
                "tfds",
                "/dev/null/x",
                "../" * 40,
                "new\nline",
                "a:b",
                "None",
            ]
        ),
    )


def status_of(module, argv):
    """The exit status of a program whose work is left out, and what it has printed."""
    out, err = io.StringIO(), io.StringIO()
    without_work = functools.partial(command_line.run)

    def run(argv, *, work, **rest):
        del work
        return without_work(argv, work=lambda options: _TAKEN, **rest)

    name, replacement = (
        ("_run", lambda options: _TAKEN) if hasattr(module, "_run") else ("run", run)
    )
    with (
        mock.patch.object(module, name, replacement),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = module.main(argv)
    return status, out.getvalue(), err.getvalue()


@pytest.mark.fault(
    "any values for any flags of every program (property test)",
    "options, or one line and exit 2, and no files",
)
@pytest.mark.parametrize("program", PROGRAMS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_flags_are_options_or_one_line(program, tmp_path, monkeypatch, data):
    module = importlib.import_module(program)
    flags = module.define_flags()
    names = sorted(set(flags.values) - {"h", "help", "flagfile"})
    chosen = data.draw(st.dictionaries(st.sampled_from(names), values(), max_size=3))
    rest = data.draw(st.lists(values(), max_size=2))
    argv = [program, *rest, *(f"--{name}={value}" for name, value in chosen.items())]
    monkeypatch.chdir(tmp_path)
    status, out, err = status_of(module, argv)
    assert status in (2, _TAKEN), (argv, out, err)
    if status == 2:
        assert len(err.splitlines()) == 1, (argv, err)
        assert err.startswith("error: ")
    assert os.listdir(tmp_path) == [], argv


@pytest.mark.fault("planted: a usage error of two lines", "seen by the same property")
def test_the_property_sees_an_error_of_two_lines(monkeypatch):
    module = importlib.import_module("dotmotion_tfds.verify")
    monkeypatch.setattr(command_line, "fail", lambda error, status: print("a\nb") or status)
    status, out, _ = status_of(module, ["verify"])
    assert status == 2
    assert len(out.splitlines()) == 2
