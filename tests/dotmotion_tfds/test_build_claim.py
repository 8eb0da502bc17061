import multiprocessing
import pathlib

import pytest

from dotmotion_tfds import build_claim


def wait_for_a_claim(path, said, done):
    build_claim.say = said.put
    with build_claim.claimed(path):
        done.set()


def test_another_process_waits_and_says_so(tmp_path):
    context = multiprocessing.get_context("spawn")
    said, done = context.Queue(), context.Event()
    path = tmp_path / "standard" / "1.0.0"
    other = context.Process(target=wait_for_a_claim, args=(path, said, done))
    with build_claim.claimed(path):
        other.start()
        message = said.get(timeout=60)
        assert message == f"another process is building {path}: waiting for it"
        assert not done.is_set()
    assert done.wait(60)
    other.join()
    assert other.exitcode == 0
    assert not list(path.parent.iterdir()), "a claim leaves no file"


def test_what_was_left_is_removed_and_named(tmp_path, capsys):
    left = tmp_path / "incomplete.ABC123_1.0.0"
    (left / "sub").mkdir(parents=True)
    (left / "sub" / "shard").write_bytes(b"x" * 2_000_000)
    others = [tmp_path / "incomplete.ABC123_2.0.0", tmp_path / "0.9.0"]
    for other in others:
        other.mkdir()
    with build_claim.claimed(tmp_path / "1.0.0"):
        assert not left.exists()
    assert all(other.exists() for other in others)
    assert f"removed {left}" in (said := capsys.readouterr().err)
    assert "1 files, 2.0 MB" in said
    assert said.count("\n") == 1


def test_nothing_to_say_without_others(tmp_path, capsys):
    with build_claim.claimed(tmp_path / "new" / "1.0.0"):
        pass
    assert capsys.readouterr() == ("", "")


def test_remote_places_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with build_claim.claimed("gs://bucket/moving_dot/standard/1.0.0"):
        pass
    assert not list(pathlib.Path().iterdir())


def test_a_claim_ends_with_an_error(tmp_path):
    with pytest.raises(KeyError), build_claim.claimed(tmp_path / "1.0.0"):
        raise KeyError
    with build_claim.claimed(tmp_path / "1.0.0"):
        pass
