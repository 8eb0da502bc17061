"""A build that is killed at any moment is no dataset, and the next one makes it whole."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from tests.faults.runs import struck, was_struck

_BUILD = ["tensorflow_datasets.scripts.cli.main", "build", "--imports=dotmotion_tfds"]
_OF_CLIPS = ("*.tfrecord*", "features.json")


def build(data_dir, *strikes):
    module, *arguments = _BUILD
    options = ["moving_dot/notebook", f"--data_dir={data_dir}"]
    return struck(strikes, module, *arguments, *options)


def content(data_dir):
    """Hashes of what stands for clips, by name."""
    folder = data_dir / "moving_dot" / "notebook" / "1.0.0"
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in _OF_CLIPS
        for path in folder.glob(pattern)
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("whole")
    done = build(data_dir)
    assert done.returncode == 0, done.stderr
    found = content(data_dir)
    assert len(found) == 3
    return found


@pytest.mark.fault(
    "SIGKILL at every file event of `tfds build`",
    "no dataset or a whole one; the next build names what it removes, and makes the same "
    "bytes",
)
@pytest.mark.slow
def test_a_build_that_is_killed_at_any_moment_is_made_whole_by_the_next(whole, tmp_path):
    for event in itertools.count(1):
        data_dir = tmp_path / str(event)
        done = build(data_dir, f"file_event={event}:{data_dir}")
        if not was_struck(done):
            break
        left = list(data_dir.glob("moving_dot/notebook/incomplete.*"))
        final = data_dir / "moving_dot" / "notebook" / "1.0.0"
        if final.exists():
            assert content(data_dir) == whole
        done = build(data_dir)
        assert done.returncode == 0, f"after event {event}: {done.stderr}"
        assert content(data_dir) == whole
        assert [path.name for path in final.parent.iterdir()] == ["1.0.0"]
        for path in left:
            assert f"removed {path}, left by an interrupted build" in done.stderr
    assert done.returncode == 0, done.stderr
    assert event > 10


@pytest.mark.slow
@pytest.mark.fault(
    "a shard cut by the system while it is built", "the same bytes by the next"
)
@pytest.mark.parametrize("size", [0, 10_000])
def test_a_build_whose_file_can_not_grow(whole, tmp_path, size):
    done = build(tmp_path, f"grown={size}")
    assert done.returncode < 0
    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    assert content(tmp_path) == whole


@pytest.mark.slow
@pytest.mark.fault(
    "planted: a clip that is dropped", "seen by the hashes of what was built"
)
def test_the_hashes_see_a_dropped_clip(whole, tmp_path):
    done = build(tmp_path, "plant=dropped_stored_clip")
    assert done.returncode == 0, done.stderr
    assert content(tmp_path) != whole
