"""Builds that can't succeed or are disturbed, by the real `tfds` command."""

import signal
import subprocess
import time

import pytest
import tensorflow_datasets as tfds

from tests.processes import LIMITED, TFDS, python, run

BUILD = [TFDS, "build", "--imports", "dotmotion_tfds"]
# Slow enough to be met while it builds: every clip is drawn and compressed on its own.
SLOW = '{"frames": 64, "height": 100, "width": 100, "distractors": 1}'
SLOW_NAME = "frames64_100x100_dot6_noise1_distractors1"


def errors(done):
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if "tfds: error: " in line]


def files(data_dir):
    return [
        str(path.relative_to(data_dir))
        for path in sorted(data_dir.rglob("*"))
        if path.is_file() and path.name != "metadata.json"
    ]


@pytest.mark.fault(
    "disk full in a build",
    "one line, and nothing of the dataset is left",
)
@pytest.mark.parametrize(
    "file_format", ["tfrecord", pytest.param("array_record", marks=pytest.mark.slow)]
)
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, file_format):
    options = [f"--data_dir={tmp_path}", f"--file_format={file_format}"]
    done = run([*LIMITED, *BUILD, "moving_dot/standard", *options])
    (error,) = errors(done)
    shard = f"moving_dot-train.{file_format}-00000-of-00001"
    assert "standard/1.0.0 can't be built, and nothing of it is left" in error
    assert shard in error
    assert "File too large" in error
    assert "--data_dir" in error
    assert files(tmp_path) == []
    assert not list((tmp_path / "moving_dot" / "standard").iterdir())


@pytest.mark.parametrize(
    "place", ["file", pytest.param("/proc/none", marks=pytest.mark.slow)]
)
def test_a_place_that_can_not_be_written_is_one_line(tmp_path, place):
    (tmp_path / "file").write_text("")
    done = run([*BUILD, "moving_dot/notebook", f"--data_dir={tmp_path / place}"])
    (error,) = errors(done)
    assert "notebook/1.0.0 can't be built, and nothing of it is left" in error


def start(data_dir, *options):
    return subprocess.Popen(
        [*BUILD, "moving_dot", f"--config={SLOW}", f"--data_dir={data_dir}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_writes(process, data_dir):
    deadline = time.monotonic() + 120
    while not list(data_dir.glob(f"moving_dot/{SLOW_NAME}/incomplete.*/*.part")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.fault(
    "orphan directory of a build that was killed",
    "no dataset; the next build removes it and says so",
)
def test_a_killed_build_is_no_dataset_and_the_next_one_names_what_it_left(tmp_path):
    process = start(tmp_path)
    wait_until_it_writes(process, tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left,) = (tmp_path / "moving_dot" / SLOW_NAME).iterdir()
    assert left.name.startswith("incomplete.")
    verified = python("-m", "dotmotion_tfds.verify", f"--data_dir={tmp_path}")
    assert verified.returncode == 2
    assert "no built moving_dot" in verified.stderr

    options = [f"--config={SLOW}", "--max_examples_per_split=4"]
    done = run([*BUILD, "moving_dot", *options, f"--data_dir={tmp_path}"])
    assert done.returncode == 0, done.stderr
    assert f"moving_dot: removed {left}, left by an interrupted build" in done.stderr
    (built,) = (tmp_path / "moving_dot" / SLOW_NAME).iterdir()
    builder = tfds.builder_from_directory(built)
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {
        "test": 4,
        "train": 4,
    }


@pytest.mark.fault(
    "two builds at once",
    "one builds, the other waits and uses it",
)
@pytest.mark.slow
def test_of_two_builds_at_once_one_wins_and_the_other_says_so(tmp_path):
    limit = "--max_examples_per_split=500"
    first = start(tmp_path, limit)
    wait_until_it_writes(first, tmp_path)
    first.send_signal(signal.SIGSTOP)
    second = start(tmp_path, limit)
    folder = tmp_path / "moving_dot" / SLOW_NAME / "1.0.0"
    waits = f"moving_dot: another process is building {folder}: waiting for it\n"
    assert waits in iter(second.stderr.readline, "")
    first.send_signal(signal.SIGCONT)
    _, first_output = first.communicate()
    _, second_output = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), (first_output, second_output)
    uses = f"moving_dot: another process has built {folder}: using it"
    assert uses in second_output.splitlines()
    assert "another process" not in first_output
    assert [path.name for path in folder.parent.iterdir()] == ["1.0.0"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("built")
    done = run([*BUILD, "moving_dot/notebook", f"--data_dir={data_dir}"])
    assert done.returncode == 0, done.stderr
    return data_dir


@pytest.mark.slow
def test_another_file_format_is_not_silently_the_old_one(built):
    before = files(built)
    command = [*BUILD, "moving_dot/notebook", f"--data_dir={built}"]
    (error,) = errors(run([*command, "--file_format=array_record"]))
    assert "is stored as tfrecord, not array_record: delete the directory" in error
    assert files(built) == before
    assert run([*command, "--file_format=tfrecord"]).returncode == 0


@pytest.mark.slow
def test_overwriting_builds_afresh(built):
    shard = next(built.glob("moving_dot/notebook/1.0.0/*train*"))
    content = shard.read_bytes()
    shard.write_bytes(b"damaged")
    command = [*BUILD, "moving_dot/notebook", f"--data_dir={built}"]
    (error,) = errors(run(command))
    assert "is not a complete dataset" in error
    done = run([*command, "--overwrite"])
    assert done.returncode == 0, done.stderr
    assert shard.read_bytes() == content


@pytest.mark.slow
def test_a_newer_version_is_not_shadowed_by_an_older_one(built, tmp_path):
    newer = tmp_path / "moving_dot" / "notebook" / "1.10.0"
    newer.parent.mkdir(parents=True)
    (built / "moving_dot" / "notebook" / "1.0.0").rename(newer)
    try:
        done = run([*BUILD, "moving_dot/notebook", f"--data_dir={tmp_path}"])
        (error,) = errors(done)
        assert "holds version 1.10.0, newer than version 1.0.0 of this code" in error
        assert [path.name for path in newer.parent.iterdir()] == ["1.10.0"]
        verified = python("-m", "dotmotion_tfds.verify", f"--data_dir={tmp_path}")
        assert verified.returncode == 1
        assert f"{newer}: version 1.10.0 is newer than version 1.0.0" in verified.stderr
    finally:
        newer.rename(built / "moving_dot" / "notebook" / "1.0.0")
