import copy

import pytest

from benchmarks import compare
from tests.benchmarks.result_files import STORED, plain, write
from tests.processes import python


def compared(tmp_path, old, new, *options):
    paths = [
        write(tmp_path / f"{name}.json", result)
        for name, result in (("old", old), ("new", new))
    ]
    return compare.main(["compare", *paths, *options])


def test_the_program_passes_what_is_equal_and_fails_what_is_slower(tmp_path):
    stored = str(STORED / "training.json")
    assert python("-m", "benchmarks.compare", stored, stored).returncode == 0
    paths = [
        write(tmp_path / "old.json", plain(a=100.0)),
        write(tmp_path / "new.json", plain(a=50.0)),
    ]
    done = python("-m", "benchmarks.compare", *paths)
    assert (done.returncode, done.stderr) == (1, "")
    assert "failed: a is slower than 1/1.1: 0.500 times the old rate" in done.stdout


def test_a_rate_that_is_slower_by_less_than_the_factor_passes(tmp_path, capsys):
    old, new = plain(a=100.0), plain(a=70.0)
    assert compared(tmp_path, old, new, "--fail-if-slower=1.5") == 0
    assert "slower" in capsys.readouterr().out
    assert compared(tmp_path, old, new, "--fail-if-slower=1.4") == 1
    assert compared(tmp_path, new, old) == 0


def test_a_rate_that_was_lost_fails_and_one_that_is_new_does_not(tmp_path, capsys):
    one, two = plain(a=100.0), plain(a=100.0, b=50.0)
    assert compared(tmp_path, two, one) == 1
    assert "failed: b is missing in the new result" in capsys.readouterr().out
    assert compared(tmp_path, one, two) == 0
    assert "only in new" in capsys.readouterr().out


def test_unlike_machines_are_refused_unless_forced(tmp_path, capsys):
    new = copy.deepcopy(plain(a=100.0))
    new["fingerprint"]["cpus"] = 64
    assert compared(tmp_path, plain(a=100.0), new) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "not comparable: cpus 2 and 64" in err
    assert compared(tmp_path, plain(a=100.0), new, "--force") == 0
    assert "not comparable, but forced: cpus 2 and 64" in capsys.readouterr().out


def test_names_that_look_like_markup_are_shown_as_they_are(tmp_path, capsys):
    result = plain(**{"[red]a[/red]": 100.0, "[/b]": 5.0})
    assert compared(tmp_path, result, result) == 0
    out = capsys.readouterr().out
    assert "[red]a[/red]" in out
    assert "[/b]" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments expected: 2"),
        (["one"], "arguments expected: 2"),
        (["one", "two", "three"], "arguments expected: 2"),
        (["/missing", "/missing"], "'/missing' can't be read: No such file"),
        (["one", "two", "--fail-if-slower=0.9"], "--fail-if-slower=0.9: expected"),
        (["one", "two", "--fail-if-slower=nan"], "--fail-if-slower=nan: expected"),
        (["one", "two", "--fail-if-slower=x"], "expected a number"),
        (["one", "two", "--fail-if-slow=2"], "Did you mean: fail-if-slower"),
        ([str(STORED / "recipes-standard.json")] * 2, "has no rates"),
        (
            [str(STORED / "training.json"), str(STORED / "storage.json")],
            "benchmark 'training' and 'storage'",
        ),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert compare.main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_help_has_examples_and_arguments(capsys):
    assert compare.main(["compare", "--help"]) == 0
    out = capsys.readouterr().out
    assert "python -m benchmarks.compare old.json new.json --force" in out
    assert "  RESULTS: OLD and NEW" in out
