import json

import tensorflow as tf

from benchmarks import fingerprint as module
from benchmarks.fingerprint import fingerprint, short_name


def test_a_fingerprint_tells_the_machine_and_the_versions():
    found = fingerprint()
    assert found["tensorflow"] == tf.__version__
    assert found["cpus"] >= 1
    assert found["memory_gib"] > 0
    assert found["cpu"]
    assert json.loads(json.dumps(found)) == found


def test_variables_that_change_speed_are_told_and_others_are_not(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("SECRET", "x")
    told = fingerprint()["environment"]
    assert told["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "SECRET" not in told


def test_gpus_are_told_by_their_model(monkeypatch, tmp_path):
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:01:00.0" / "information").write_text(
        "Model: \t\t NVIDIA A100\nIRQ:   1\n"
    )
    monkeypatch.setattr(module, "_GPUS", tmp_path)
    assert fingerprint()["gpus"] == ["NVIDIA A100"]


def test_a_short_name_tells_machines_apart_and_not_commits():
    found = fingerprint()
    name = short_name(found)
    assert name == short_name({**found, "commit": "other"})
    assert name != short_name({**found, "cpu": "other"})
    assert name.startswith(f"{found['cpus']}cpus-")
