import json

import pytest

from benchmarks import training
from tests.processes import python


@pytest.mark.slow
def test_the_program_measures_and_writes_a_model(tmp_path):
    done, result = _measure(tmp_path, "steps", "--batch_size=1")
    for figures in result["models"]["cnn_lstm"].values():
        assert set(figures["ways"]) == {"stock", "fast"}
        for of_way in figures["ways"].values():
            assert of_way["step_ms"] > 0
            assert 0 <= of_way["input_wait_fraction"] < 1
            assert of_way["first_step_s"] > 0
            assert of_way["peak_mib"] > 100
        assert figures["fast_vs"]["stock"]["ratio"] > 0
        assert figures["control"]["ratio"] > 0
        assert 0 < figures["fraction_of_sgemm"] < 1
    assert list(result["models"]["cnn_lstm"]) == ["train", "infer"]
    assert "cnn_lstm, train" in done.stdout
    assert "control, cnn_lstm/infer: " in done.stdout


@pytest.mark.slow
def test_sources_are_compared(tmp_path):
    done, result = _measure(tmp_path, "feed", "--batch_size=1")
    feed = result["feed"]["cnn_lstm"]
    sources = ["one batch in memory", "8 batches in memory", "the stream"]
    assert list(feed["sources"]) == sources
    assert list(feed["of_one_batch"]) == sources[1:]
    for figures in (*feed["of_one_batch"].values(), feed["control"]):
        assert figures["ratio"] > 0
    assert "cnn_lstm, the stream" in done.stdout


# Two trainings in processes of their own, over a minute.
@pytest.mark.slow
def test_a_fixed_order_is_compared(tmp_path):
    _, result = _measure(tmp_path, "determinism", "--batch_size=1")
    determinism = result["determinism"]["cnn_lstm"]
    assert list(determinism["step_ms"]) == ["as it comes", "deterministic"]
    for figures in (determinism["of_plain"], determinism["control"]):
        assert figures["ratio"] > 0


@pytest.mark.slow
def test_the_grid_has_every_setting_and_the_time_to_accuracy(tmp_path):
    options = ["--batch_sizes=2", "--layers=fast", "--seeds=1"]
    done, result = _measure(tmp_path, "grid,accuracy", *options)
    assert result["models"] == {}
    grid = result["grid"]["cnn_lstm"]
    settings = [
        "2 clips, one_device",
        "2 clips, mirrored, 1 replica",
        "2 clips, mirrored, 2 replicas",
    ]
    for layers in ("stock", "fast"):
        assert list(grid[layers]) == settings
        for figures in grid[layers].values():
            assert figures["clips_per_s"] > 0
            assert 0 <= figures["input_wait_fraction"] < 1
            assert figures["peak_mib"] > 100
    assert list(grid["fast_vs_stock"]) == settings
    assert list(grid["replicas_vs_one_device"]) == settings[1:]
    assert list(grid["controls"]) == settings[:1]
    assert "control, grid/cnn_lstm/2 clips, one_device: " in done.stdout
    (run,) = result["accuracy"]["cnn_lstm"]["fast"]
    assert run["test_accuracy"] >= 0.99
    assert 0 < run["steps"] <= 160
    assert run["train_s"] > 1
    assert "cnn_lstm, 2 clips, mirrored, 2 replicas" in done.stdout
    assert training.parts(result)["accuracy"][1][1] == str(run["steps"])


def _measure(folder, parts, *options):
    path = folder / "training.json"
    common = ["--models=cnn_lstm", "--repeats=1", f"--parts={parts}", f"--json={path}"]
    done = python("-m", "benchmarks.training", *common, *options)
    assert done.returncode == 0, done.stderr
    return done, json.loads(path.read_text())


def test_the_plan_counts_the_turns():
    plan = training.Plan(models=["cnn_lstm"], repeats=2, seeds=2, batch_sizes=[8])
    # SGEMM; stock, and 20 or 60 times fast and its control; 4 sources, 20 times; a fixed
    # order and 20 times none and its control; 5 settings and 80 times another and its
    # control; 2 x 2 runs.
    assert plan.turns == 3 + 3 * (41 + 121) + 3 * 80 + 3 * 41 + 3 * (5 + 160) + 4


def test_peers_without_pytorch_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(training.importlib.util, "find_spec", lambda name: None)
    assert training.main(["training", "--peers"]) == 2
    assert "PyTorch is not installed: pip install" in capsys.readouterr().err


def test_operations_are_those_of_the_layers():
    # By hand: 20 frames of three convolutions, and the input of the LSTM's four gates.
    convolutions = (
        50 * 130 * 4 * 4 * 1 * 5 + 25 * 65 * 8 * 8 * 5 * 5 + 12 * 32 * 8 * 8 * 5 * 5
    )
    forward = 20 * 2 * (convolutions + 6 * 16 * 5 * 4 * 5)
    found = training.step_flops("cnn_lstm", 2, (20, 50, 130, 1))
    assert found == {"infer": 2 * forward, "train": 3 * 2 * forward}
    of_input = 20 * (50 * 130 * 16 * 1 + 25 * 65 * 64 * 5 + 12 * 32 * 64 * 5)
    of_state = 19 * 5 * (50 * 130 * 16 + 25 * 65 * 64 + 12 * 32 * 64)
    forward = 2 * 4 * 5 * (of_input + of_state)
    assert training.step_flops("conv_lstm", 1, (20, 50, 130, 1))["train"] == 3 * forward


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models=cnn"], "--models='cnn': expected some of"),
        (["--batch_size=0"], "batch_size=0"),
        (["--repeats=0"], "repeats=0"),
        (["--parts=step"], "--parts='step': expected some of steps, feed, det"),
        (["--layers=fast,fast"], "--layers='fast,fast': expected some of"),
        (["--batch_sizes=3"], "--batch_sizes='3': expected multiples of 2"),
        (["--batch_sizes=0,x"], "--batch_sizes='0,x': expected multiples of 2"),
        (["--seeds=0"], "seeds=0"),
        (["--json=/nowhere/file"], "--json='/nowhere/file' can't be written"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert training.main(["training", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_help_has_examples(capsys):
    assert training.main(["training", "--help"]) == 0
    assert "python -m benchmarks.training --json=" in capsys.readouterr().out
