import shutil
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import dotmotion_tfds
from dotmotion_tfds import SpecError, configs, resolve_config, storage
from dotmotion_tfds.files import shard_files
from dotmotion_tfds.files.record_files import read_records
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.dotmotion_tfds import golden
from tests.dotmotion_tfds.test_streaming import assert_same_batches

SMALL = {"frames": 4, "height": 17, "width": 27, "dot_size": 3}


@pytest.mark.parametrize("encoding", configs.ENCODINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_encoding_gives_the_streamed_batches(tmp_path, encoding, channels):
    if encoding == "trajectories" and channels == 3:
        with pytest.raises(SpecError, match="centres only"):
            resolve_config({**SMALL, "channels": 3, "encoding": encoding})
        return
    config = resolve_config({**SMALL, "channels": channels, "encoding": encoding})
    options = {"config": config, "batch_size": 300, "epochs": 1, "shard": (1, 3)}
    stored = dotmotion_tfds.stored("test", data_dir=tmp_path, **options)
    streamed = dotmotion_tfds.stream("test", **options)
    assert stored.element_spec == streamed.element_spec
    assert_same_batches(stored, streamed)


@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_stored_batches_are_the_streamed_ones(data_dir, shard):
    options = {"config": "notebook", "epochs": 2, "start_step": 2, "shard": shard}
    stored = dotmotion_tfds.stored("test", data_dir=data_dir, **options)
    streamed = dotmotion_tfds.stream("test", **options)
    assert_same_batches(stored, streamed)


@pytest.mark.parametrize(
    ("config", "split"),
    [
        # Its large frames take half a minute.
        pytest.param(*each, marks=pytest.mark.slow if "large" in each else [])
        for each in golden.SHA256
    ],
)
def test_built_clips_are_the_pinned_ones(data_dir, config, split):
    builder = storage.build_if_missing(config=config, data_dir=data_dir)
    found = golden.of_dataset(builder.as_dataset(split=split), config)
    assert found == golden.SHA256[config, split]


def test_every_built_clip_of_standard_is_the_streamed_one(data_dir):
    storage.build_if_missing(config="standard", data_dir=data_dir)
    for split in ("train", "test"):
        built = tfds.load("moving_dot/standard", split=split, data_dir=str(data_dir))
        streamed = dotmotion_tfds.stream(split, batch_size=500)
        count = 0
        for left, right in zip(built.batch(500), streamed, strict=False):
            for name in right:
                assert left[name].dtype == right[name].dtype
                np.testing.assert_array_equal(left[name], right[name])
            count += len(left["index"])
        assert count == dotmotion_tfds.CONFIGS["standard"].split_size(split)


def test_supervised_pairs(data_dir):
    options = {"config": "notebook", "epochs": 1, "as_supervised": True}
    (video, label), *_ = dotmotion_tfds.stored("train", data_dir=data_dir, **options)
    (other_video, other_label), *_ = dotmotion_tfds.stream("train", **options)
    np.testing.assert_array_equal(video, other_video)
    np.testing.assert_array_equal(label, other_label)


def built_copy(data_dir, tmp_path):
    storage.build_if_missing(config="notebook", data_dir=data_dir)
    shutil.copytree(
        data_dir / "moving_dot" / "notebook", tmp_path / "moving_dot" / "notebook"
    )
    return tmp_path / "moving_dot" / "notebook" / "1.0.0"


@pytest.mark.fault(
    "empty or partial final directory, a shard missing, empty or cut",
    "refused, and left as it is",
)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: [path.unlink() for path in folder.iterdir()], "it holds nothing"),
        (lambda folder: (folder / "dataset_info.json").unlink(), "no dataset_info.json"),
        (lambda folder: next(folder.glob("*train*")).unlink(), "train.* is missing"),
        (lambda folder: next(folder.glob("*test*")).write_bytes(b""), "test.* is empty"),
        (
            lambda folder: next(folder.glob("*test*")).write_bytes(
                next(folder.glob("*test*")).read_bytes()[:-100]
            ),
            "split 'test' has .* bytes, expected",
        ),
    ],
)
def test_what_is_not_a_complete_dataset_is_refused_and_left_alone(
    data_dir, tmp_path, damage, message
):
    folder = built_copy(data_dir, tmp_path)
    damage(folder)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(SpecError, match=message) as caught:
        dotmotion_tfds.stored(epochs=1, config="notebook", data_dir=tmp_path)
    assert "delete the directory" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(SpecError, match=message):
        Builder(config="notebook", data_dir=tmp_path).download_and_prepare()
    assert sorted(path.name for path in folder.iterdir()) == before


def test_storage_with_a_url_is_checked_by_its_url(monkeypatch):
    """No bucket is at hand: the path has to reach the file system with its scheme."""
    seen = []

    class Recorded(type(shard_files.epath.Path("gs://bucket"))):
        def exists(self):
            seen.append(str(self))
            return False

    split = types.SimpleNamespace(filepaths=["gs://bucket/data/a"], num_examples=1)
    splits = types.SimpleNamespace(values=lambda: [split])
    builder = types.SimpleNamespace(
        data_path="gs://bucket/data",
        is_prepared=lambda: True,
        info=types.SimpleNamespace(splits=splits),
    )
    monkeypatch.setattr(shard_files.epath, "Path", Recorded)
    with pytest.raises(SpecError, match="gs://bucket/data is not a complete dataset"):
        shard_files.require_complete(builder)
    assert seen == ["gs://bucket/data/a"]


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"epochs": None}, {"split": "all"}, {"batch_size": 0}]
)
def test_wrong_options_are_refused_before_anything_is_built(tmp_path, wrong):
    with pytest.raises(SpecError):
        dotmotion_tfds.stored(**{"epochs": 1, "data_dir": tmp_path, **wrong})
    assert not list(tmp_path.iterdir())


def test_array_records_are_refused_with_what_reads_them(tmp_path):
    builder = Builder(config="notebook", data_dir=tmp_path, file_format="array_record")
    builder.download_and_prepare()
    with pytest.raises(SpecError, match=r"stored as array_record.*tfds\.data_source"):
        dotmotion_tfds.stored(epochs=1, config="notebook", data_dir=tmp_path)


def test_a_dataset_built_with_a_limit_is_refused(tmp_path):
    builder = Builder(config="notebook", data_dir=tmp_path)
    limit = tfds.download.DownloadConfig(max_examples_per_split=3)
    builder.download_and_prepare(download_config=limit)
    with pytest.raises(SpecError, match="holds 3 clips in split 'train', expected 80"):
        dotmotion_tfds.stored(epochs=1, config="notebook", data_dir=tmp_path)


@pytest.mark.parametrize("label", [4, 127])
def test_labels_that_are_no_class_are_refused_and_the_clip_is_named(
    data_dir, tmp_path, label
):
    folder = built_copy(data_dir, tmp_path)
    (shard,) = folder.glob("*train*")
    records = list(read_records(shard, "tfrecord"))
    example = tf.train.Example.FromString(records[7])
    example.features.feature["label"].int64_list.value[:] = [label]
    records[7] = example.SerializeToString()
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for record in records:
            writer.write(record)
    batches = dotmotion_tfds.stored(epochs=1, config="notebook", data_dir=tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"no class, of clips.*\[7\]"):
        list(batches)
