import dataclasses

import pytest
import tensorflow_datasets as tfds

from dotmotion_tfds import CONFIGS, ClipSpec, SpecError
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder, MovingDotConfig


class StandardTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ("standard",)
    SPLITS = {"train": 4000, "test": 1000}  # noqa: RUF012  (the harness's own form)


class NotebookTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ("notebook",)
    SPLITS = {"train": 80, "test": 80}  # noqa: RUF012


class TrajectoriesTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ("trajectories",)
    SPLITS = {"train": 4000, "test": 1000}  # noqa: RUF012


@pytest.mark.slow
class HardTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ("hard",)
    SPLITS = {"train": 2000, "test": 500}  # noqa: RUF012


@pytest.mark.slow
class CustomTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = (
        MovingDotConfig(frames=6, height=17, width=27, dot_size=3),
    )
    SPLITS = {"train": 4000, "test": 1000}  # noqa: RUF012


def test_a_custom_config_is_named_after_its_geometry(tmp_path):
    builder = Builder(config='{"frames": 3, "height": 9, "width": 12}', data_dir=tmp_path)
    assert builder.info.config_name == "frames3_9x12_dot6_noise1"
    assert builder.info.features["video"].shape == (3, 9, 12, 1)
    assert builder.builder_config.spec == ClipSpec(frames=3, height=9, width=12)


@pytest.mark.parametrize("config", [None, "standard", "standard:1.0.0", "{}", ClipSpec()])
def test_every_way_to_name_the_default_config(tmp_path, config):
    assert Builder(config=config, data_dir=tmp_path).info.config_name == "standard"


@pytest.mark.parametrize("config", ["standart", '{"dot_size": 99}', '{"dots": 2}', "{"])
def test_what_is_not_a_config_is_refused(tmp_path, config):
    with pytest.raises(SpecError):
        Builder(config=config, data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file_format", ["parquet", "riegeli", "tfrecords"])
def test_formats_that_nothing_here_reads_are_refused(tmp_path, file_format):
    with pytest.raises(SpecError, match="expected 'tfrecord' or 'array_record'"):
        Builder(config="notebook", data_dir=tmp_path, file_format=file_format)


def test_another_config_of_a_registered_name_is_refused(tmp_path):
    other = dataclasses.replace(CONFIGS["standard"], spec=ClipSpec(frames=5))
    with pytest.raises(SpecError, match="'standard' is the name of another config"):
        Builder(config=other, data_dir=tmp_path)


def test_a_builder_takes_what_was_built_after_it_was_made(tmp_path):
    late = Builder(config="notebook", data_dir=tmp_path)
    records = Builder(config="notebook", data_dir=tmp_path, file_format="array_record")
    asks = Builder(config="notebook", data_dir=tmp_path, file_format="tfrecord")
    records.download_and_prepare()
    late.download_and_prepare()
    assert late.info.splits["train"].num_examples == 80
    assert late.info.file_format is tfds.core.FileFormat.ARRAY_RECORD
    assert late.as_data_source(split="test")[3]["index"] == 3
    with pytest.raises(SpecError, match="stored as array_record, not tfrecord"):
        asks.download_and_prepare()


@pytest.mark.parametrize("limit", [-1, 1.5])
def test_limits_out_of_range_are_refused(tmp_path, limit):
    builder = Builder(config="notebook", data_dir=tmp_path)
    options = tfds.download.DownloadConfig(max_examples_per_split=limit)
    with pytest.raises(SpecError, match="max_examples_per_split="):
        builder.download_and_prepare(download_config=options)


def test_the_dataset_has_its_metadata(tmp_path):
    metadata = Builder(data_dir=tmp_path).get_metadata()
    assert "content.data-type.video" in metadata.tags
    assert "moving" in metadata.description.lower()
    assert metadata.citation.startswith("@")
