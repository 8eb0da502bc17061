import json

import pytest

from benchmarks import training
from tests.processes import python


def test_the_program_measures_and_writes_a_model(tmp_path):
    path = tmp_path / "training.json"
    options = ["--models=cnn_lstm", "--batch_size=1", "--repeats=1", f"--json={path}"]
    done = python("-m", "benchmarks.training", *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(path.read_text())
    streamed = {"fast, fed by the stream"}
    for kind, figures in result["models"]["cnn_lstm"].items():
        ways = {"stock", "fast"} | (streamed if kind == "train" else set())
        assert set(figures["ways"]) == ways
        for of_way in figures["ways"].values():
            assert of_way["step_ms"] > 0
            assert of_way["first_step_s"] > 0
            assert of_way["peak_mib"] > 100
        assert figures["fast_vs"]["stock"]["ratio"] > 0
        assert figures["control"]["ratio"] > 0
        assert 0 < figures["fraction_of_sgemm"] < 1
    assert list(result["models"]["cnn_lstm"]) == ["train", "infer"]
    assert result["models"]["cnn_lstm"]["train"]["stream_of_resident"]["ratio"] > 0
    assert "cnn_lstm trains from the stream at " in done.stdout
    assert "cnn_lstm, train" in done.stdout
    assert "control of cnn_lstm, infer" in done.stdout


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
