import base64
import io
import json
import re

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import dotmotion_tfds
from dotmotion_tfds import resolve_config
from dotmotion_tfds.clip_features import video_feature
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from tests.processes import python

LIMIT = tfds.download.DownloadConfig(max_examples_per_split=6)
PARENTS = {
    "raw": "tensorflow_datasets.core.features.tensor_feature.Tensor",
    "zlib": "tensorflow_datasets.core.features.tensor_feature.Tensor",
    "png": "tensorflow_datasets.core.features.video_feature.Video",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A few clips of standard in every encoding that has frames."""
    data_dir = tmp_path_factory.mktemp("features")
    for encoding in PARENTS:
        builder = Builder(config={"encoding": encoding}, data_dir=data_dir)
        builder.download_and_prepare(download_config=LIMIT)
    return data_dir


def folder(data_dir, encoding):
    name = resolve_config({"encoding": encoding}).name
    return data_dir / "moving_dot" / name / "1.0.0"


@pytest.mark.parametrize("encoding", PARENTS)
def test_a_dataset_is_read_without_this_package(built, encoding):
    features = json.loads((folder(built, encoding) / "features.json").read_text())
    stored = features["featuresDict"]["features"]["video"]["pythonClassName"]
    assert stored == PARENTS[encoding]
    program = (
        "import sys, tensorflow_datasets as tfds\n"
        f"builder = tfds.builder_from_directory({str(folder(built, encoding))!r})\n"
        "clip = next(iter(tfds.as_numpy(builder.as_dataset(split='test'))))\n"
        "print(clip['video'].shape, clip['video'].dtype, clip['video'].sum() // 255,\n"
        "      [name for name in sys.modules if name.startswith('dotmotion_tfds')])\n"
    )
    done = python("-c", program)
    lit = int(dotmotion_tfds.clips([0], "test")["video"].numpy().sum()) // 255
    assert done.stdout == f"(20, 50, 130, 1) uint8 {lit} []\n", done.stderr


@pytest.mark.parametrize("encoding", PARENTS)
def test_a_data_frame_shows_clips_as_animations(built, encoding):
    builder = Builder(config={"encoding": encoding}, data_dir=built)
    dataset = builder.as_dataset(split="test")
    html = tfds.as_dataframe(dataset.take(2), builder.info)._repr_html_()
    images = re.findall(r'src="data:image/gif;base64,([^"]+)"', html)
    assert len(images) == 2
    clip = next(iter(dataset.as_numpy_iterator()))
    with Image.open(io.BytesIO(base64.b64decode(images[0]))) as shown:
        zoom = shown.width // 130
        first_frame = np.asarray(shown.convert("L"))[::zoom, ::zoom]
    np.testing.assert_array_equal(first_frame > 0, clip["video"][0, ..., 0] > 0)
    for name in ("sine", "constant", "ascending", "descending"):
        assert name in tfds.as_dataframe(dataset, builder.info)._repr_html_()


def test_centres_alone_have_no_feature_of_frames():
    assert video_feature(resolve_config("trajectories")) is None


@pytest.mark.parametrize("name", ["large", "hard", "hard_png"])
def test_features_have_the_shape_of_the_clips(name):
    config = resolve_config(name)
    assert video_feature(config).shape == config.spec.video_shape
