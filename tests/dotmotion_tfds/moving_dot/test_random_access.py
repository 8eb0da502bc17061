"""Array records: `tfds.data_source` and Grain read any clip at once."""

import grain.python as grain
import numpy as np
import pytest
import tensorflow_datasets as tfds

import dotmotion_tfds
from dotmotion_tfds import resolve_config
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.dotmotion_tfds.test_streaming import assert_same_batches

SMALL = {"frames": 4, "height": 16, "width": 24, "dot_size": 3}


@pytest.fixture(scope="module", params=["raw", "zlib", "png", "trajectories"])
def source(request, tmp_path_factory):
    """A dataset of three shards, and its configuration."""
    config = resolve_config({**SMALL, "encoding": request.param})
    builder = Builder(
        config=config,
        data_dir=tmp_path_factory.mktemp(request.param),
        file_format="array_record",
    )
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=3))
    return builder.as_data_source(split="test"), config


def with_video(clip, config):
    if config.encoding == "trajectories":
        return dotmotion_tfds.render(clip, config)
    return clip


def test_a_data_source_gives_any_clip(source):
    clips, config = source
    assert len(clips) == 1000
    for index in (999, 0, 333, 334, 667):
        expected = dotmotion_tfds.clips([index], "test", config)
        found = {
            name: np.asarray(value)[np.newaxis]
            for name, value in with_video(clips[index], config).items()
        }
        assert_same_batches([found], [{k: v.numpy() for k, v in expected.items()}])


def test_grain_reads_shuffled_batches(source):
    clips, config = source
    dataset = (
        grain.MapDataset.source(clips)
        .shuffle(seed=7)
        .map(lambda clip: with_video(clip, config))
        .batch(8)
    )
    seen = []
    for position in (0, 17, 124):
        batch = dataset[position]
        expected = dotmotion_tfds.clips(batch["index"], "test", config)
        np.testing.assert_array_equal(batch["video"], expected["video"])
        np.testing.assert_array_equal(batch["label"], expected["label"])
        seen.extend(batch["index"].tolist())
    assert len(set(seen)) == 24
    assert seen != sorted(seen)
