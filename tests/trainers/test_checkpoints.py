import json

import numpy as np
import pytest

from trainers import checkpoints
from trainers.checkpoints import Checkpoint


def make_checkpoint(step):
    return Checkpoint(
        step, {"a/000": np.arange(step, dtype=np.float32), "b": np.int64(step)}
    )


def test_what_is_saved_is_loaded(tmp_path):
    checkpoints.save(tmp_path / "new", make_checkpoint(7))
    found = checkpoints.load_latest(tmp_path / "new")
    assert found.step == 7
    assert found.arrays.keys() == {"a/000", "b"}
    np.testing.assert_array_equal(found.arrays["a/000"], np.arange(7, dtype=np.float32))
    assert found.arrays["a/000"].dtype == np.float32


def test_the_last_three_are_kept_in_order_of_their_steps(tmp_path):
    for step in (2, 9, 10, 100):
        checkpoints.save(tmp_path, make_checkpoint(step))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step_0000000009", "step_0000000010", "step_0000000100"]
    assert checkpoints.load_latest(tmp_path).step == 100


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoints.load_latest(tmp_path) is None
    assert checkpoints.load_latest(tmp_path / "missing") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "state.npz").write_bytes(b""),
        lambda path: (path / "state.npz").unlink(),
        lambda path: (path / "manifest.json").write_text("{"),
        lambda path: (path / "manifest.json").write_text("[]"),
        lambda path: (path / "manifest.json").unlink(),
    ],
)
def test_a_broken_checkpoint_is_passed_over(tmp_path, damage):
    checkpoints.save(tmp_path, make_checkpoint(1))
    damage(checkpoints.save(tmp_path, make_checkpoint(2)))
    assert checkpoints.load_latest(tmp_path).step == 1


def test_a_broken_checkpoint_is_written_again(tmp_path):
    path = checkpoints.save(tmp_path, make_checkpoint(2))
    (path / "state.npz").write_bytes(b"")
    checkpoints.save(tmp_path, make_checkpoint(2))
    assert checkpoints.load_latest(tmp_path).step == 2


def test_broken_checkpoints_do_not_push_out_good_ones(tmp_path):
    for step in (1, 2, 3):
        checkpoints.save(tmp_path, make_checkpoint(step))
    for broken in ("step_0000000002", "step_0000000003"):
        (tmp_path / broken / "state.npz").unlink()
    checkpoints.save(tmp_path, make_checkpoint(4))
    assert (tmp_path / "step_0000000001").exists()


def test_what_a_killed_save_left_is_removed(tmp_path):
    (tmp_path / ".part-killed").mkdir()
    (tmp_path / ".part-killed" / "state.npz").write_bytes(b"")
    checkpoints.save(tmp_path, make_checkpoint(1))
    assert [path.name for path in tmp_path.iterdir()] == ["step_0000000001"]


def test_any_flipped_bit_is_seen(tmp_path):
    path = checkpoints.save(tmp_path, make_checkpoint(2)) / "state.npz"
    whole = path.read_bytes()
    for position in range(0, len(whole), 37):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        assert checkpoints.load_latest(tmp_path) is None
    path.write_bytes(whole)
    assert checkpoints.load_latest(tmp_path).step == 2


def test_pickles_are_never_loaded(tmp_path):
    path = checkpoints.save(tmp_path, make_checkpoint(3))
    np.savez(path / "state.npz", evil=np.array([print], dtype=object))
    manifest = {"step": 3, "sha256": {"state.npz": checkpoints._sha256(path / "state.npz")}}
    (path / "manifest.json").write_text(json.dumps(manifest))
    assert checkpoints.load_latest(tmp_path) is None


@pytest.mark.parametrize("fails_at", ["savez", "fsync", "replace"])
def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch, fails_at):
    checkpoints.save(tmp_path, make_checkpoint(1))

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    module = checkpoints.np if fails_at == "savez" else checkpoints.os
    monkeypatch.setattr(module, fails_at, fail)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(tmp_path, make_checkpoint(2))
    assert [path.name for path in tmp_path.iterdir()] == ["step_0000000001"]
