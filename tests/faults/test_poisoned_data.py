"""Data that can't be trained on stops the run, which says which clips it was."""

from __future__ import annotations

import pytest
import tensorflow as tf

from dotmotion_tfds.files.record_files import read_records
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.dotmotion_tfds.test_verify import edited, framed
from tests.faults.runs import one_line, train
from trainers import checkpoints

ON_FILES = ["--config=notebook", "--data=tfds", "--batch_size=40"]


@pytest.fixture
def data_dir(tmp_path):
    Builder(config="notebook", data_dir=tmp_path / "data").download_and_prepare()
    return tmp_path / "data"


def poison(data_dir, number, feature, change):
    """Changes a record of the training split, with a checksum that is right."""
    (shard,) = data_dir.glob("moving_dot/notebook/1.0.0/*train*")
    records = list(read_records(shard, "tfrecord"))
    found = tf.train.Example.FromString(records[number]).features.feature[feature]
    values = getattr(found, found.WhichOneof("kind")).value
    records[number] = edited(records[number], feature, [change(each) for each in values])
    shard.write_bytes(b"".join(map(framed, records)))


@pytest.mark.fault(
    "labels out of range in a stored dataset", "one line, exit 1, names the clips"
)
@pytest.mark.parametrize("label", [4, pytest.param(127, marks=pytest.mark.slow)])
def test_labels_that_are_no_class(data_dir, tmp_path, label):
    poison(data_dir, 17, "label", lambda _: label)
    done = train(tmp_path / "run", *ON_FILES, f"--data_dir={data_dir}")
    error = one_line(done, 1)
    assert "labels that are no class, of clips 17;" in error
    assert "dotmotion_tfds.verify" in error


@pytest.mark.slow
@pytest.mark.fault(
    "a stored dataset whose files have another size", "refused before anything is written"
)
def test_labels_that_take_more_bytes(data_dir, tmp_path):
    poison(data_dir, 17, "label", lambda _: -1)
    done = train(tmp_path / "run", *ON_FILES, f"--data_dir={data_dir}")
    assert "bytes, expected" in one_line(done, 2)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.fault(
    "a stored clip whose frames can't be decoded", "one line, exit 1, names the clips"
)
def test_frames_that_are_no_frames(data_dir, tmp_path):
    poison(data_dir, 17, "video", lambda frame: b"x" * len(frame))
    done = train(tmp_path / "run", *ON_FILES, f"--data_dir={data_dir}")
    error = one_line(done, 1)
    assert "the stored dataset is corrupt" in error
    assert "17" in error.partition("on clips ")[2]


@pytest.mark.fault(
    "a loss that is not finite",
    "one line, exit 1, names the step and its clips, and the last checkpoint is kept",
)
def test_a_loss_that_is_not_finite_names_the_clips(tmp_path):
    done = train(tmp_path, "--learning_rate=1e30", "--clip_norm=0", "--steps=50")
    error = one_line(done, 1)
    assert "not finite at step" in error
    step = int(error.partition("at step ")[2].split()[0])
    assert f"clips {4 * (step - 1)} to {4 * step - 1} of the training split" in error
    latest = checkpoints.load_latest(tmp_path / "checkpoints")
    assert (latest.step if latest else 0) == step - 1
