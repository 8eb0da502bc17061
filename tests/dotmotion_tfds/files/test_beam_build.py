"""Builds by Beam's DirectRunner with worker processes, by the real `tfds` command."""

import filecmp

import pytest

from tests.processes import LIMITED, TFDS, run

BUILD = [TFDS, "build", "moving_dot", "--imports", "dotmotion_tfds", "--num_shards=3"]
CONFIG = '{"frames": 6, "height": 24, "width": 40, "dot_size": 3}'
NAME = "frames6_24x40_dot3_noise1"


def with_workers(count):
    return (
        "--beam_pipeline_options=runner=DirectRunner,"
        f"direct_num_workers={count},direct_running_mode=multi_processing"
    )


def build(data_dir, *options):
    done = run([*BUILD, f"--config={CONFIG}", f"--data_dir={data_dir}", *options])
    assert done.returncode == 0, done.stderr
    return data_dir / "moving_dot" / NAME / "1.0.0"


@pytest.mark.parametrize(
    ("file_format", "count"),
    [
        ("tfrecord", 3),
        pytest.param("tfrecord", 1, marks=pytest.mark.slow),
        pytest.param("array_record", 3, marks=pytest.mark.slow),
    ],
)
def test_any_number_of_workers_writes_the_files_of_a_plain_build(
    tmp_path, file_format, count
):
    option = f"--file_format={file_format}"
    plain = build(tmp_path / "plain", option)
    names = sorted(path.name for path in plain.iterdir())
    assert sum("-of-00003" in name for name in names) == 6
    by_beam = build(tmp_path / "beam", option, with_workers(count))
    assert sorted(path.name for path in by_beam.iterdir()) == names
    _, differing, unreadable = filecmp.cmpfiles(plain, by_beam, names, shallow=False)
    assert (differing, unreadable) == ([], [])


@pytest.mark.slow
def test_a_worker_that_fails_leaves_nothing_and_is_reported_in_one_line(tmp_path):
    options = [f"--config={CONFIG}", f"--data_dir={tmp_path}", with_workers(2)]
    done = run([*LIMITED, *BUILD, *options])
    assert done.returncode != 0
    error = done.stderr.splitlines()[-1]
    assert error.startswith("tfds: error: ")
    assert f"{NAME}/1.0.0 can't be built, and nothing of it is left" in error
    assert "File too large" in error
    assert not list((tmp_path / "moving_dot" / NAME).iterdir())
