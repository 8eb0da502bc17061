import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dotmotion_tfds import ClipSpec, clip_file, elements
from dotmotion_tfds.arrays import NUMPY

SPEC = ClipSpec(frames=2, height=9, width=11, dot_size=2, noise=0.5)
OPTIONS = {"spec": SPEC, "split": "train", "seed": 0, "num_clips": 10}

WRITE_IN_A_PROCESS = """
import sys
from dotmotion_tfds import ClipSpec, clip_file
clip_file.write_if_missing(
    sys.argv[1], spec=ClipSpec(), split="train", seed=0, num_clips=8000
)
"""


def expected_frames(options):
    clips = elements.render_clips(
        NUMPY,
        options["spec"],
        np.arange(options["num_clips"]),
        split=options["split"],
        seed=options["seed"],
    )
    return clips["video"]


def test_the_file_holds_the_frames_in_index_order(tmp_path):
    path = clip_file.write_if_missing(tmp_path / "new" / "folder", **OPTIONS)
    found = np.fromfile(path, np.uint8)
    np.testing.assert_array_equal(found, expected_frames(OPTIONS).ravel())


def test_many_chunks_make_the_same_file(tmp_path, monkeypatch):
    monkeypatch.setattr(clip_file, "_CHUNK_BYTES", 3 * SPEC.clip_bytes)
    path = clip_file.write_if_missing(tmp_path, **OPTIONS)
    assert path.read_bytes() == expected_frames(OPTIONS).tobytes()


def test_a_whole_file_is_not_written_again(tmp_path):
    path = clip_file.write_if_missing(tmp_path, **OPTIONS)
    before = path.stat().st_mtime_ns
    assert clip_file.write_if_missing(tmp_path, **OPTIONS) == path
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"split": "test"},
        {"num_clips": 9},
        {"spec": ClipSpec(frames=2, height=9, width=11, dot_size=2, noise=0.25)},
    ],
)
def test_options_that_differ_have_files_of_their_own(tmp_path, change):
    path = clip_file.write_if_missing(tmp_path, **OPTIONS)
    other = clip_file.write_if_missing(tmp_path, **{**OPTIONS, **change})
    assert other != path


def test_a_cut_file_is_written_again(tmp_path):
    path = clip_file.write_if_missing(tmp_path, **OPTIONS)
    os.truncate(path, 100)
    clip_file.write_if_missing(tmp_path, **OPTIONS)
    assert path.read_bytes() == expected_frames(OPTIONS).tobytes()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_file_with_a_flipped_bit_is_written_again(tmp_path):
    path = clip_file.write_if_missing(tmp_path, **OPTIONS)
    flip(path)
    clip_file.write_if_missing(tmp_path, **OPTIONS)
    assert path.read_bytes() == expected_frames(OPTIONS).tobytes()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"chunk_bytes": 0, "sha256": []}', '{"chunk_bytes": "a"}']
)
def test_without_usable_sums_a_file_is_written_again(tmp_path, text):
    path = clip_file.write_if_missing(tmp_path, **OPTIONS)
    clip_file._checked.clear()
    (sums,) = tmp_path.glob("*.sha256.json")
    right = sums.read_text()
    sums.write_text(text)
    clip_file.write_if_missing(tmp_path, **OPTIONS)
    assert sums.read_text() == right
    assert path.read_bytes() == expected_frames(OPTIONS).tobytes()


def test_a_process_checks_a_file_once(tmp_path, monkeypatch):
    clip_file.write_if_missing(tmp_path, **OPTIONS)
    clip_file._checked.clear()
    sums_of, counted = clip_file._sums, []
    monkeypatch.setattr(
        clip_file, "_sums", lambda *given: counted.append(given) or sums_of(*given)
    )
    for _ in range(3):
        clip_file.write_if_missing(tmp_path, **OPTIONS)
    assert len(counted) == 1


def test_a_failed_write_leaves_no_frames(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(clip_file.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        clip_file.write_if_missing(tmp_path, **OPTIONS)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_after_a_killed_writer_the_next_one_makes_it_whole(tmp_path):
    command = [sys.executable, "-c", WRITE_IN_A_PROCESS, str(tmp_path)]
    with subprocess.Popen(command) as writer:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("*.part")):
            assert time.monotonic() < deadline
            assert writer.poll() is None
            time.sleep(0.001)
        writer.send_signal(signal.SIGKILL)
    assert not list(tmp_path.glob("*.frames"))
    writers = [subprocess.Popen(command) for _ in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    (path,) = tmp_path.glob("*.frames")
    assert path.stat().st_size == 8000 * ClipSpec().clip_bytes
    assert not list(tmp_path.glob("*.part"))
