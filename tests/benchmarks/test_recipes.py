import json

import pytest

from benchmarks import recipes
from tests.processes import python


@pytest.mark.slow
def test_the_program_trains_from_each_seed_and_writes_what_came_out(tmp_path):
    path = tmp_path / "recipes.json"
    options = ["--models=cnn_lstm", "--presets=notebook", "--seeds=2", "--steps=1"]
    done = python("-m", "benchmarks.recipes", *options, f"--json={path}")
    assert done.returncode == 0, done.stderr
    result = json.loads(path.read_text())
    first, second = result["recipes"]["notebook"]["cnn_lstm"]
    assert (first["seed"], second["seed"]) == (0, 1)
    for run in (first, second):
        assert run["steps"] == 1
        assert run["test_clips"] == 1000
        assert 0 <= run["test_accuracy"] <= 1
        assert 0 < run["train_s"] < run["wall_s"]
    assert "notebook, cnn_lstm" in done.stdout


def test_a_run_that_fails_is_named(tmp_path):
    blocked = tmp_path / "standard-cnn_lstm-0"
    blocked.write_text("")
    with pytest.raises(recipes.RunFailedError, match=r"--model=cnn_lstm.*ended with"):
        recipes.measure_recipes(
            ["standard"], ["cnn_lstm"], seeds=1, steps=1, folder=tmp_path, advance=print
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models=cnn"], "--models='cnn': expected some of cnn_lstm, conv_lstm"),
        (["--presets=standard,standard"], "--presets='standard,standard'"),
        (["--seeds=0"], "seeds=0"),
        (["--steps=0"], "steps=0"),
        (["--json=/nowhere/file"], "--json='/nowhere/file' can't be written"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message, capsys):
    assert recipes.main(["recipes", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
