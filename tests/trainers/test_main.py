import json

import pytest

from tests import processes
from tests.conftest import SMALL_JSON
from tests.processes import python
from trainers import main
from trainers.options import OptionsError

USAGE_ERRORS = [
    (["--model=cnn"], "unknown model 'cnn': expected 'cnn_lstm' or 'conv_lstm'"),
    (["--strategy=tpu"], "unknown strategy 'tpu'"),
    (["--config=standart"], "unknown config 'standart'"),
    (['--config={"dot_size": 60}'], "dot_size=60 does not fit a frame of 50 x 130"),
    (['--config={"frames"'], "is not valid JSON"),
    (["--batch_size=0"], "batch_size=0 is out of range"),
    (["--batch_size=-4"], "batch_size=-4 is out of range"),
    (["--batch_size=5", "--virtual_devices=2"], "not divisible by 2 replicas"),
    (["--steps=0"], "steps=0 is out of range"),
    (["--steps=many"], "--steps='many' is not usable: expected an integer"),
    (["--steps=1.5"], "--steps='1.5' is not usable: expected an integer"),
    (["--learning_rate=fast"], "--learning_rate='fast' is not usable: expected a number"),
    (["--deterministic=perhaps"], "expected true or false"),
    (["--virtual_devices=4096"], "virtual_devices=4096 makes no sense"),
    (["--modle=cnn_lstm"], "Did you mean: model"),
    (["train"], "unexpected argument 'train'"),
    (["--steps"], "Missing value for flag --steps"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE_ERRORS)
def test_wrong_usage_is_one_line_and_status_2(
    arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main.main(["main", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "workdir", ["file/run", pytest.param("other", marks=pytest.mark.slow)]
)
def test_an_unusable_workdir_is_one_line_in_a_real_process(tmp_path, workdir):
    (tmp_path / "file").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    done = python("-m", "trainers.main", f"--workdir={tmp_path / workdir}")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: workdir ")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "file",
        "notes.txt",
        "other",
    ]


def test_no_cluster_is_one_line(tmp_path):
    done = python(
        "-m",
        "trainers.main",
        "--strategy=multi_worker_mirrored",
        f"--workdir={tmp_path / 'run'}",
        env={"TF_CONFIG": ""},
    )
    assert done.returncode == 2
    assert "TF_CONFIG is not set; expected the cluster as JSON" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_has_examples_every_flag_and_status_0(flag, capsys):
    assert main.main(["main", flag]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "python -m trainers.main --strategy=mirrored --virtual_devices=2" in out
    for name in ("model", "strategy", "data", "config", "steps", "layers", "workdir"):
        assert f"--{name}" in out


def test_flags_become_options():
    options = main.parse(
        ["main", "--model=conv_lstm", "--steps=5", "--deterministic", "--data=cache"]
    )
    assert (options.model, options.steps, options.data) == ("conv_lstm", 5, "cache")
    assert options.deterministic
    with pytest.raises(OptionsError):
        main.parse(["main", "--preset=none"])


def test_a_run_prints_a_table_and_its_accuracy_and_nothing_of_tensorflow(tmp_path):
    done = python(
        "-m",
        "trainers.main",
        f"--config={SMALL_JSON}",
        "--steps=2",
        "--batch_size=4",
        "--eval_clips=8",
        f"--workdir={tmp_path / 'run'}",
    )
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "MirroredStrategy, 1 replica on CPU (no GPU is visible)"
    assert any(line.startswith("training 2/2  loss ") for line in lines)
    assert lines[-1].startswith("test accuracy ")
    assert "on 8 fresh clips" in lines[-1]


def test_the_preset_of_the_notebook_ends_with_the_same_line(tmp_path):
    done = python(
        "-m",
        "trainers.main",
        "--preset=notebook",
        "--steps=1",
        "--batch_size=2",
        "--eval_clips=4",
        f"--workdir={tmp_path / 'run'}",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("on 4 fresh clips of config notebook")


@pytest.mark.slow
@pytest.mark.fault(
    "two worker processes instead of two replicas",
    "the same weights, bit for bit",
)
def test_two_workers_train_to_the_weights_of_two_replicas(tmp_path):
    arguments = [
        f"--config={SMALL_JSON}",
        "--steps=4",
        "--batch_size=8",
        "--eval_clips=9",
        "--deterministic",
    ]
    whole = [*arguments, "--virtual_devices=2", f"--workdir={tmp_path / 'replicas'}"]
    done = python("-m", "trainers.main", *whole)
    assert done.returncode == 0, done.stderr
    with processes.workers(2, *arguments, f"--workdir={tmp_path / 'workers'}") as started:
        outputs = [process.communicate(timeout=240) for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    replicas, workers = [
        json.loads((tmp_path / name / "summary.json").read_text())
        for name in ("replicas", "workers")
    ]
    assert workers["strategy"] == "multi_worker_mirrored"
    assert workers["num_replicas"] == 2
    assert workers["weights_sha256"] == replicas["weights_sha256"]
    assert workers["test_clips"] == 9
