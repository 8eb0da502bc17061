"""Whole runs, in this process with one replica and in others with more."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

import dotmotion_tfds
from tests.conftest import SMALL_JSON
from tests.processes import python
from trainers import checkpoints, loop, steps, summary
from trainers.kernels import library
from trainers.options import OptionsError, resolve_options


def make_options(workdir, **given):
    common = {"config": SMALL_JSON, "steps": 4, "batch_size": 4, "eval_clips": 10}
    return resolve_options(**{**common, "workdir": workdir, **given})


def run(workdir, **given):
    output = io.StringIO()
    result = loop.run(make_options(workdir, **given), Console(file=output, width=200))
    return result, output.getvalue()


def history(workdir):
    return checkpoints.load_latest(workdir / "checkpoints").arrays["history"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of four steps without a break."""
    workdir = tmp_path_factory.mktemp("whole")
    result, output = run(workdir)
    return workdir, result, output


def test_the_summary_has_what_other_programs_lean_on(whole):
    workdir, result, _ = whole
    on_disk = json.loads((workdir / "summary.json").read_text())
    assert on_disk == result
    assert on_disk["model"] == "cnn_lstm"
    assert on_disk["strategy"] == "mirrored"
    assert on_disk["num_replicas"] == 1
    assert on_disk["steps"] == 4
    assert on_disk["params"] == 4039
    assert on_disk["test_clips"] == 10
    assert 0 <= on_disk["test_accuracy"] <= 1
    assert on_disk["examples_per_s"] > 0
    assert on_disk["step_ms_median"] > 0
    assert 0 <= on_disk["input_wait_fraction"] < 1
    assert len(on_disk["weights_sha256"]) == 64


def test_a_run_without_kernels_says_so_and_ends_the_same(whole, tmp_path, monkeypatch):
    none = library.Kernels(None, "no C++ compiler was found [c++]")
    monkeypatch.setattr(library, "load", lambda: none)
    _, output = run(tmp_path / "run")
    assert "steps take several times as long: no C++ compiler was found [c++]" in output
    assert "several times" not in whole[2]
    np.testing.assert_allclose(history(tmp_path / "run"), history(whole[0]), rtol=1e-3)
    _, output = run(tmp_path / "stock", layers="stock")
    assert "several times" not in output


def test_the_files_of_a_run_are_the_documented_ones(whole):
    workdir, _, _ = whole
    names = sorted(path.name for path in workdir.iterdir())
    assert names == ["checkpoints", "run.json", "summary.json", "tensorboard"]
    assert [path.name for path in (workdir / "checkpoints").iterdir()] == [
        "step_0000000004"
    ]


@pytest.mark.parametrize("first_steps", [1, 3])
def test_a_run_in_two_sittings_ends_with_the_same_weights(whole, tmp_path, first_steps):
    workdir, expected, _ = whole
    half, _ = run(tmp_path, steps=first_steps)
    assert half["weights_sha256"] != expected["weights_sha256"]
    result, output = run(tmp_path)
    assert f"continuing at step {first_steps}" in output
    assert result["weights_sha256"] == expected["weights_sha256"]
    np.testing.assert_array_equal(history(tmp_path), history(workdir))


def test_a_complete_run_is_not_trained_again(whole):
    workdir, expected, _ = whole
    before = sorted(path.stat().st_mtime_ns for path in workdir.rglob("*"))
    result, output = run(workdir)
    assert "this run is complete at step 4" in output
    assert result == expected
    assert sorted(path.stat().st_mtime_ns for path in workdir.rglob("*")) == before


def test_a_complete_run_is_evaluated_anew_on_other_clips(whole, tmp_path):
    run(tmp_path, eval_clips=8)
    result, output = run(tmp_path, eval_clips=12)
    assert result["test_clips"] == 12
    assert "complete" not in output


def test_a_lost_summary_is_made_again_without_training(whole, tmp_path):
    _, expected, _ = whole
    run(tmp_path)
    (tmp_path / "summary.json").unlink()
    result, _ = run(tmp_path)
    assert result["weights_sha256"] == expected["weights_sha256"]
    assert result["test_accuracy"] == expected["test_accuracy"]
    assert result["step_ms_median"] is None
    json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "conv_lstm"}, "model='cnn_lstm', not model='conv_lstm'"),
        ({"seed": 1}, "seed=0, not seed=1"),
        ({"config": "notebook"}, "holds a run with config="),
        ({"steps": 3}, "holds a run at step 4, beyond steps=3"),
    ],
)
def test_the_workdir_of_another_run_is_refused(whole, change, message):
    workdir, _, _ = whole
    with pytest.raises(OptionsError) as caught:
        run(workdir, **change)
    assert message in str(caught.value)


@pytest.mark.parametrize("model", ["cnn_lstm", "conv_lstm"])
@pytest.mark.parametrize("strategy", ["mirrored", "one_device"])
def test_both_models_run_under_both_strategies(tmp_path, model, strategy):
    result, output = run(tmp_path, model=model, strategy=strategy, steps=2)
    assert result["model"] == model
    assert result["strategy"] == strategy
    assert "on CPU (no GPU is visible)" in output
    assert np.isfinite(history(tmp_path)).all()


@pytest.mark.parametrize(
    "model", ["cnn_lstm", pytest.param("conv_lstm", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "given", [{"precision": "mixed_bfloat16"}, {"xla": "on"}, {"xla": "off"}]
)
def test_precision_and_xla_follow_the_plain_run(tmp_path, model, given):
    run(tmp_path / "plain", model=model, steps=3)
    run(tmp_path / "other", model=model, steps=3, **given)
    rtol = 0.02 if "precision" in given else 1e-3
    expected = history(tmp_path / "plain")[:, 0]
    np.testing.assert_allclose(history(tmp_path / "other")[:, 0], expected, rtol=rtol)


def test_float16_without_a_gpu_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(OptionsError, match="no GPU is visible"):
        run(tmp_path / "run", precision="mixed_float16")
    assert not (tmp_path / "run").exists()


def test_the_nested_model_trains_to_the_same_weights(whole, tmp_path):
    _, expected, _ = whole
    result, _ = run(tmp_path, nesting="nested")
    assert result["weights_sha256"] == expected["weights_sha256"]


def test_the_built_and_the_cached_dataset_train_to_the_same_weights(tmp_path, data_dir):
    common = {"config": "notebook", "eval_clips": 4, "steps": 2, "batch_size": 4}
    cached, _ = run(tmp_path / "cache", data="cache", **common)
    built, _ = run(tmp_path / "tfds", data="tfds", data_dir=data_dir, **common)
    assert built["weights_sha256"] == cached["weights_sha256"]


def test_an_incomplete_dataset_is_refused_before_anything_is_written(tmp_path):
    folder = tmp_path / "data" / "moving_dot" / "notebook" / "1.0.0"
    folder.mkdir(parents=True)
    options = {"config": "notebook", "data": "tfds", "data_dir": tmp_path / "data"}
    with pytest.raises(dotmotion_tfds.SpecError, match="it holds nothing"):
        run(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
    assert not list(folder.iterdir())


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    make_train_step = steps.make_train_step

    def make_poisoned(strategy, model, *rest, **options):
        train_step = make_train_step(strategy, model, *rest, **options)

        def step(batch):
            row = train_step(batch).numpy()
            poisoned = float("nan") if train_step.done == 2 else row[0]
            train_step.done += 1
            return type("Row", (), {"numpy": lambda _: np.array([poisoned, *row[1:]])})()

        train_step.done = 0
        step.get_concrete_function = train_step.get_concrete_function
        return step

    monkeypatch.setattr(loop.steps, "make_train_step", make_poisoned)
    with pytest.raises(loop.TrainingError, match="not finite at step 3"):
        run(tmp_path, checkpoint_every=1)
    assert checkpoints.load_latest(tmp_path / "checkpoints").step == 2


@pytest.mark.slow
def test_two_replicas_follow_the_loss_of_one(tmp_path):
    traces = {}
    for replicas in (1, 2):
        workdir = tmp_path / str(replicas)
        done = python(
            "-m",
            "trainers.main",
            f"--config={SMALL_JSON}",
            "--steps=12",
            "--batch_size=8",
            "--eval_clips=20",
            "--deterministic",
            f"--virtual_devices={replicas}",
            f"--workdir={workdir}",
        )
        assert done.returncode == 0, done.stderr
        assert f"{replicas} replica" in done.stdout
        traces[replicas] = history(workdir)
        assert summary.read(workdir)["num_replicas"] == replicas
    loss, accuracy, norm = traces[1].T
    np.testing.assert_allclose(traces[2][:, 0], loss, rtol=1e-4)
    np.testing.assert_array_equal(traces[2][:, 1], accuracy)
    np.testing.assert_allclose(traces[2][:, 2], norm, rtol=1e-2)
    assert len(set(loss.tolist())) == 12
