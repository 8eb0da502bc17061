import io
import json
import sys

import pytest

from dotmotion_tfds import CLASS_NAMES, class_statistics, statistics_report
from tests.conftest import SMALL_JSON, SMALL_SPEC
from tests.processes import python


def test_the_program_prints_a_table_and_writes_the_figures(tmp_path):
    command = ["-m", "dotmotion_tfds.statistics_report", "--config=notebook"]
    path = tmp_path / "figures.json"
    done = python(*command, "--split=test", f"--json={path}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "notebook, test: 80 clips, seed 0" in done.stdout
    told = json.loads(path.read_text())
    assert {
        name: told[name] for name in ("config", "split", "seed", "clips", "ground")
    } == {
        "config": "notebook",
        "split": "test",
        "seed": 0,
        "clips": 80,
        "ground": 0,
    }
    classes = told["classes"]
    assert tuple(classes) == CLASS_NAMES
    for name, of_class in classes.items():
        black = name == "constant"
        assert (of_class["clips"], of_class["share"]) == (20, 0.25)
        assert of_class["black_clips"] == (20 if black else 0)
        assert (of_class["blank_frame_fraction"] == 1) == black
        assert (of_class["mean_value"] == 0) == (of_class["lit_pixel_fraction"] == 0)
        assert (of_class["lit_pixel_fraction"] == 0) == black
        assert (of_class["centers_outside_fraction"] == 1) == black
    # Its axes are swapped: row 65 and column 25 of 50 rows and 130 columns.
    assert classes["constant"]["row_mean"] == pytest.approx(65, abs=0.3)
    assert classes["constant"]["column_mean"] == pytest.approx(25, abs=0.3)
    assert classes["constant"]["row_deviation"] == pytest.approx(1, abs=0.1)
    assert (classes["sine"]["column_min"], classes["sine"]["column_max"]) == (6, 120)
    for words in ("black clips 0 20 0 0", "share" + 4 * " 25.00%", "column, min 6 "):
        assert words in " ".join(done.stdout.replace("\u2502", " ").split())


def test_two_runs_write_the_same_bytes(tmp_path, capsys):
    for name in "ab":
        arguments = [f"--config={SMALL_JSON}", "--seed=5", "--clips=13"]
        path = tmp_path / name
        assert statistics_report.main(["report", *arguments, f"--json={path}"]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert "13 clips, seed 5" in capsys.readouterr().out


def test_the_figures_are_those_of_the_clips_that_were_asked_for(tmp_path):
    path = tmp_path / "figures.json"
    arguments = [f"--config={SMALL_JSON}", "--split=test", "--seed=5", "--clips=13"]
    assert statistics_report.main(["report", *arguments, f"--json={path}"]) == 0
    counted = class_statistics.class_statistics(
        SMALL_SPEC, split="test", seed=5, num_clips=13
    )
    classes = json.loads(path.read_text())["classes"].values()
    for told, of_class in zip(classes, counted, strict=True):
        assert told == statistics_report.figures(of_class, 13, noisy=False)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "seconds", "shows"),
    [(Terminal, 0, True), (Terminal, 60, False), (io.StringIO, 0, False)],
)
def test_a_bar_shows_on_a_terminal_when_it_takes_long(
    stream, seconds, shows, monkeypatch, capsys
):
    monkeypatch.setattr(statistics_report, "_SECONDS_BEFORE_BAR", seconds)
    monkeypatch.setattr(sys, "stderr", stream())
    assert statistics_report.main(["report", "--config=notebook"]) == 0
    assert ("notebook, train" in sys.stderr.getvalue()) == shows
    assert "80 clips" in capsys.readouterr().out


def test_a_class_without_clips(tmp_path, capsys):
    path = tmp_path / "figures.json"
    assert statistics_report.main(["report", "--clips=1", f"--json={path}"]) == 0
    classes = json.loads(path.read_text())["classes"]
    assert sorted(of_class["clips"] for of_class in classes.values()) == [0, 0, 0, 1]
    empty = next(of_class for of_class in classes.values() if not of_class["clips"])
    assert (empty["share"], empty["black_clips"]) == (0, 0)
    assert {empty[name] for name in ("mean_value", "row_mean", "column_max")} == {None}
    assert "-" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config=none"], "unknown config 'none'"),
        (["--split=valid"], "unknown split 'valid'"),
        (["--seed=-1"], "seed=-1"),
        (["--clips=0"], "clips=0 is out of range"),
        (["--clips=x"], "--clips='x' is not usable: expected an integer"),
        (["--json="], "--json='' can't be written: expected a file"),
        (["--json=/nowhere/file"], "--json='/nowhere/file' can't be written"),
        (["--json=/"], "--json='/' can't be written"),
        (["--jsno=x"], "Did you mean: json"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_nothing(
    arguments, message, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert statistics_report.main(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_file_that_cant_be_written_is_one_line_below_the_table(capsys):
    assert statistics_report.main(["report", "--clips=4", "--json=/dev/null"]) == 1
    out, err = capsys.readouterr()
    assert "4 clips" in out
    assert err.count("\n") == 1
    assert "'/dev/null'; see --json" in err


def test_help_has_examples(capsys):
    assert statistics_report.main(["report", "--help"]) == 0
    out = capsys.readouterr().out
    assert "python -m dotmotion_tfds.statistics_report --config=notebook" in out


def test_what_noise_hides_is_not_told(tmp_path, capsys):
    path = tmp_path / "hard.json"
    arguments = ["--config=hard", "--clips=8", f"--json={path}"]
    assert statistics_report.main(["report", *arguments]) == 0
    told = json.loads(path.read_text())
    assert told["ground"] == 47
    for of_class in told["classes"].values():
        assert of_class["clips"] == 2
        assert of_class["black_clips"] is None
        assert of_class["lit_pixel_fraction"] is None
        assert 46 < of_class["mean_value"] < 51
    assert "lit pixels" in capsys.readouterr().out
