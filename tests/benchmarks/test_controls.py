import pytest

from benchmarks import controls, series
from tests.benchmarks.result_files import STORED, of_arms


def test_controls_are_found_wherever_they_stand():
    result = series.load(STORED / "training.json")
    found = controls.controls(result)
    assert [control.name for control in found] == [
        "cnn_lstm/train",
        "cnn_lstm/infer",
        "conv_lstm/train",
        "conv_lstm/infer",
    ]
    stored = result["models"]["cnn_lstm"]["train"]["control"]
    assert found[0] == controls.Control(
        "cnn_lstm/train", stored["ratio"], stored["ratio_min"], stored["ratio_max"]
    )


def test_several_of_a_benchmark_have_names():
    parts = {"grid": {"model": {"controls": {"8 clips": {"ratio": 1.0}, "32": {"x": 1}}}}}
    assert [control.name for control in controls.controls(parts)] == ["grid/model/8 clips"]
    of_input = controls.controls(series.load(STORED / "input.json"))
    assert [control.name for control in of_input][:3] == ["generated", "cached", "stored"]


def test_a_source_of_known_rate_is_one():
    same, known = controls.controls(of_arms("input"))
    assert (same.name, same.holds) == ("the same arm twice", False)
    assert (known.name, known.holds) == ("a source of 5,000 clips/s", True)
    assert controls.table([same, known])[1:] == [
        ["the same arm twice", "0.970", "0.950 to 0.990", "outside 1.00 ± 0.02"],
        ["a source of 5,000 clips/s", "0.997", "-", "holds"],
    ]


@pytest.mark.parametrize(
    ("ratio", "holds"),
    [(1.02, True), (0.98, True), (1.021, False), (0.979, False), (1.0, True)],
)
def test_a_control_holds_within_two_hundredths(ratio, holds):
    assert controls.Control("a", ratio, None, None).holds is holds


@pytest.mark.parametrize("value", [{}, {"ratio": "1"}, {"ratio": float("nan")}, 1.0, None])
def test_what_has_no_ratio_is_no_control(value):
    assert controls.controls({"control": value, "known_rate": value}) == []
