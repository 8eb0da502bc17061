import json

import pytest

from trainers import workdir
from trainers.options import OptionsError

IDENTITY = {"model": "cnn_lstm", "seed": 0, "config": {"frames": 20}}


def test_a_new_directory_is_claimed_and_stays_usable(tmp_path):
    path = tmp_path / "a" / "b"
    workdir.check(path, IDENTITY)
    assert not path.exists()
    workdir.claim(path, IDENTITY)
    workdir.check(path, IDENTITY)
    workdir.claim(path, IDENTITY)
    assert [entry.name for entry in path.iterdir()] == ["run.json"]


@pytest.mark.fault(
    "resuming with other data, another model or other options",
    "refused, naming what differs",
)
@pytest.mark.parametrize(
    ("name", "value"), [("seed", 1), ("model", "conv_lstm"), ("config", {"frames": 3})]
)
def test_another_run_is_refused_naming_what_differs(tmp_path, name, value):
    workdir.claim(tmp_path, IDENTITY)
    with pytest.raises(OptionsError) as caught:
        workdir.check(tmp_path, {**IDENTITY, name: value})
    assert f"{name}={IDENTITY[name]!r}, not {name}={value!r}" in str(caught.value)


@pytest.mark.fault(
    "two runs in one workdir",
    "the second one is refused",
)
def test_a_directory_is_held_by_one_process_at_a_time(tmp_path):
    workdir.claim(tmp_path, IDENTITY)
    with workdir.hold(tmp_path):
        second = workdir.hold(tmp_path)
        with pytest.raises(OptionsError, match="in use by another process"):
            second.__enter__()
    with workdir.hold(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_an_unreadable_run_file_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(OptionsError, match=r"unreadable run\.json"):
        workdir.check(tmp_path, IDENTITY)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(OptionsError, match=r"holds 'thesis\.tex' and no run"):
        workdir.check(tmp_path, IDENTITY)


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OptionsError, match="is not a directory"):
            workdir.check(path, IDENTITY)


def test_a_failed_claim_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workdir.os, "replace", fail)
    with pytest.raises(OptionsError, match="No space left on device"):
        workdir.claim(tmp_path / "a" / "b", IDENTITY)
    assert not list(tmp_path.iterdir())


def test_a_run_file_of_json_that_python_writes_otherwise_is_the_same(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(IDENTITY))
    workdir.check(tmp_path, json.loads(json.dumps(IDENTITY)))
