import json

import pytest

from benchmarks import measured_run
from benchmarks.arms import MeasureError
from dotmotion_tfds.command_line import UsageError


def test_a_result_is_shown_and_written_and_the_directory_is_gone(tmp_path):
    used, shown = [], []

    def measure(folder, advance):
        assert list(folder.iterdir()) == []
        used.append(folder)
        advance("a turn")
        return {"figure": 1}

    status = measured_run.run(
        measure,
        turns=1,
        show=shown.append,
        json=tmp_path / "result.json",
        directory=str(tmp_path),
    )
    assert status == 0
    assert shown == [{"figure": 1}]
    assert json.loads((tmp_path / "result.json").read_text()) == {"figure": 1}
    assert used[0].parent == tmp_path
    assert not used[0].exists()


@pytest.mark.parametrize("error", [MeasureError("no such thing"), OSError("disk full")])
def test_an_error_is_one_line_and_nothing_is_written(error, tmp_path, capsys):
    def measure(folder, advance):
        raise error

    path = tmp_path / "result.json"
    assert measured_run.run(measure, turns=1, show=print, json=path) == 1
    assert capsys.readouterr() == ("", f"error: {error}\n")
    assert not path.exists()


def test_a_directory_that_is_not_there_is_one_line(capsys):
    status = measured_run.run(
        lambda folder, advance: {}, turns=1, show=print, json=None, directory="/nowhere"
    )
    assert status == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan")])
def test_turns_have_a_sensible_length(seconds):
    assert measured_run.require_seconds(0.5) == 0.5
    with pytest.raises(UsageError, match=r"expected 0\.01 to 600"):
        measured_run.require_seconds(seconds)


def test_a_table_has_all_its_cells_and_notes(capsys):
    lines = [["way", "rate"], ["one", "1,000"], ["another", "20"]]
    measured_run.print_table(lines, title="Ways", notes=["a note"])
    out = capsys.readouterr().out
    assert all(text in out for line in lines for text in line)
    assert out.startswith("Ways")
    assert out.endswith("a note\n")


def test_controls_are_told_by_name(capsys):
    result = {
        "controls": {"reading": {"ratio": 1.0123}, "writing": {"ratio": 0.9}},
        "known_rate": {"ratio": 0.98, "expected_clips_per_s": 2500.0},
    }
    status = measured_run.run(
        lambda folder, advance: result, turns=1, show=lambda result: None, json=None
    )
    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "control, reading: 1.012",
        "control, writing: 0.900, outside 1.00 ± 0.02",
        "control, a source of 2,500 clips/s: 0.980",
    ]


def test_cells_are_no_markup(capsys):
    measured_run.print_table(
        [["way", "why"], ["[bold]", "pip install '.[peers]'"]], texts=2, notes=["[x]"]
    )
    out = capsys.readouterr().out
    assert "pip install '.[peers]'" in out
    assert "[bold]" in out
    assert out.endswith("[x]\n")
