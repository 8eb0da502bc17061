"""The file of a cache is whole and right, or it is not read."""

from __future__ import annotations

import hashlib
import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.runs import run, struck, was_struck

# Passes over 80 clips, the second one seen to its end: prints a hash of all it gave.
_HASH = """
import hashlib, sys
from dotmotion_tfds import quiet_start
quiet_start.import_tensorflow()
import dotmotion_tfds
cache, seed, batches = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
stream = dotmotion_tfds.stream(
    config="notebook", seed=seed, batch_size=12, epochs=2, cache=cache or None
)
digest = hashlib.sha256()
for batch in stream.take(batches):
    for name in sorted(batch):
        digest.update(batch[name].numpy().tobytes())
print(digest.hexdigest())
"""
FILE_BYTES = 80 * 20 * 50 * 130
ALL = "99"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Name of a module that prints the hash of a cached stream."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "hash_of_cached.py").write_text(_HASH)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    return "hash_of_cached"


def hash_of(program, cache, *strikes, seed=0, batches=ALL):
    done = struck(strikes, program, str(cache), str(seed), batches)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def streamed(program):
    """The hashes without a cache, by seed."""
    return {seed: hash_of(program, "", seed=seed) for seed in (0, 1)}


def frames(folder):
    return [path for path in pathlib.Path(folder).iterdir() if path.suffix == ".frames"]


@pytest.mark.fault(
    "SIGKILL at every file event of a cache that is written",
    "there is no file or a whole one, and the next process gives the streamed bytes",
)
@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_nothing_that_is_read(program, streamed, tmp_path):
    for event in itertools.count(1):
        cache = tmp_path / str(event)
        done = struck([f"file_event={event}:{cache}"], program, str(cache), "0", ALL)
        if not was_struck(done):
            break
        for path in frames(cache) if cache.exists() else ():
            assert path.stat().st_size == FILE_BYTES
        assert hash_of(program, cache) == streamed[0], f"killed at event {event}"
        assert not list(cache.glob("*.part"))
    assert done.returncode == 0, done.stderr
    assert event > 7


@pytest.mark.slow
@pytest.mark.fault(
    "a cache's file cut by the system while it is written", "the same bytes by the next"
)
@pytest.mark.parametrize("size", [0, 100_000, FILE_BYTES - 1])
def test_a_writer_whose_file_can_not_grow(program, streamed, tmp_path, size):
    done = struck([f"grown={size}"], program, str(tmp_path), "0", ALL)
    assert done.returncode == -signal.SIGXFSZ
    assert not frames(tmp_path)
    assert hash_of(program, tmp_path) == streamed[0]


@pytest.mark.fault("disk full while a cache is written", "a warning, and streamed bytes")
def test_a_full_disk_falls_back_to_streaming(program, streamed, tmp_path):
    done = struck(["full=100000"], program, str(tmp_path), "0", ALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == streamed[0]
    assert "no room for a cache" in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


@pytest.mark.slow
@pytest.mark.fault("break in the middle of an epoch", "the cache is whole all the same")
def test_a_stream_that_is_left_early_leaves_a_whole_cache(program, streamed, tmp_path):
    hash_of(program, tmp_path, batches="2")
    (path,) = frames(tmp_path)
    before = path.stat().st_mtime_ns
    assert hash_of(program, tmp_path) == streamed[0]
    assert path.stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.fault("two processes write one cache", "one writes it, both give the bytes")
def test_two_writers_at_once(program, streamed, tmp_path):
    command = [sys.executable, "-m", program, str(tmp_path), "0", ALL]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0].strip() for process in both]
    assert outputs == [streamed[0]] * 2
    assert len(frames(tmp_path)) == 1


@pytest.mark.slow
@pytest.mark.fault(
    "a writer stopped while another one waits, and then killed", "the other one writes it"
)
def test_a_writer_waits_for_one_that_is_killed(program, streamed, tmp_path):
    command = [sys.executable, "-m", program, str(tmp_path), "0", ALL]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("*.part")):
            assert time.monotonic() < deadline
            assert first.poll() is None
        first.send_signal(signal.SIGSTOP)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as second:
            time.sleep(5)
            assert second.poll() is None
            assert not frames(tmp_path)
            first.send_signal(signal.SIGKILL)
            out, _ = second.communicate(timeout=60)
    assert out.strip() == streamed[0]


@pytest.mark.fault("another seed with the same cache path", "never the old data")
def test_a_changed_configuration_never_reads_old_data(program, streamed, tmp_path):
    assert hash_of(program, tmp_path, seed=0) == streamed[0]
    assert hash_of(program, tmp_path, seed=1) == streamed[1]
    assert streamed[0] != streamed[1]
    assert len(frames(tmp_path)) == 2


@pytest.mark.fault(
    "a cache's file with a flipped bit, cut or without its sums", "written again"
)
@pytest.mark.parametrize(
    "damage",
    ["flip", "cut", "no sums", "other sums"],
)
@pytest.mark.slow
def test_a_damaged_file_is_written_again(program, streamed, tmp_path, damage):
    hash_of(program, tmp_path, batches="1")
    (path,) = frames(tmp_path)
    (sums,) = tmp_path.glob("*.sha256.json")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    if damage == "flip":
        flip(path)
    elif damage == "cut":
        os.truncate(path, FILE_BYTES - 1)
    elif damage == "no sums":
        sums.unlink()
    else:
        sums.write_text('{"chunk_bytes": 0, "sha256": []}')
    done = run([sys.executable, "-m", program, str(tmp_path), "0", ALL])
    assert done.stdout.strip() == streamed[0]
    assert "not as it was written" in done.stderr
    assert hashlib.sha256(path.read_bytes()).hexdigest() == right


def flip(path):
    with open(path, "r+b") as file:
        file.seek(FILE_BYTES // 2)
        (byte,) = file.read(1)
        file.seek(FILE_BYTES // 2)
        file.write(bytes([byte ^ 1]))


@pytest.mark.slow
@pytest.mark.fault("a cache that can't be written at all", "one line, exit 1, no fallback")
def test_a_place_that_is_no_folder_is_an_error(program, tmp_path):
    (tmp_path / "file").write_text("")
    done = struck([], program, str(tmp_path / "file" / "cache"), "0", ALL)
    assert done.returncode == 1
    assert "NotADirectoryError" in done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.fault(
    "planted: a cache named without its seed, unchecked or written in place",
    "each is seen by the same comparison",
)
def test_the_comparison_sees_caches_that_lie(program, streamed, tmp_path):
    bug = "plant=cache_of_any_seed"
    hash_of(program, tmp_path / "a", bug, seed=0)
    assert hash_of(program, tmp_path / "a", bug, seed=1) != streamed[1]

    hash_of(program, tmp_path / "b", batches="1")
    flip(frames(tmp_path / "b")[0])
    assert hash_of(program, tmp_path / "b", "plant=unchecked_cache") != streamed[0]

    bug = "plant=cache_in_place"
    done = struck([bug, "grown=400000"], program, str(tmp_path / "c"), "0", ALL)
    assert done.returncode == -signal.SIGXFSZ
    done = struck([bug], program, str(tmp_path / "c"), "0", ALL)
    assert done.stdout.strip() != streamed[0]
