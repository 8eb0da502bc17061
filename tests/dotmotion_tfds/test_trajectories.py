import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import dotmotion_tfds
from dotmotion_tfds import SpecError, storage
from tests.conftest import SMALL_SPEC
from tests.processes import python


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("trajectories")
    storage.build_if_missing(config="trajectories", data_dir=data_dir)
    return tfds.load("moving_dot/trajectories", split="test", data_dir=str(data_dir))


def expected_videos(count):
    return dotmotion_tfds.clips(range(count), "test", "standard")["video"].numpy()


def test_stored_centres_become_the_streamed_frames_in_batches(stored):
    batches = stored.batch(32).map(dotmotion_tfds.render)
    assert batches.element_spec["video"].shape.as_list() == [None, 20, 50, 130, 1]
    batch = next(iter(batches))
    assert sorted(batch) == ["centers", "index", "label", "video"]
    np.testing.assert_array_equal(batch["video"], expected_videos(32))


def test_one_clip_at_a_time(stored):
    clips = stored.map(dotmotion_tfds.render)
    assert clips.element_spec["video"].shape.as_list() == [20, 50, 130, 1]
    found = np.stack([clip["video"] for clip in clips.take(5)])
    np.testing.assert_array_equal(found, expected_videos(5))


def test_arrays_are_rendered_without_tensorflow():
    program = (
        "import sys, numpy as np, dotmotion_tfds\n"
        "centers = np.full((20, 2), 25, np.int32)\n"
        "video = dotmotion_tfds.render({'centers': centers})['video']\n"
        "print(type(video).__name__, video.shape, video.sum() // 255, "
        "'tensorflow' in sys.modules)\n"
    )
    done = python("-c", program)
    assert done.stdout == "ndarray (20, 50, 130, 1) 720 False\n", done.stderr


def test_xla_and_custom_geometries():
    clips = dotmotion_tfds.clips(range(6), config=SMALL_SPEC)
    video = clips.pop("video")

    @tf.function(jit_compile=True)
    def rendered(batch):
        return dotmotion_tfds.render(batch, SMALL_SPEC)["video"]

    np.testing.assert_array_equal(rendered(clips), video)


@pytest.mark.parametrize(
    ("clip", "config", "message"),
    [
        ({"label": 1}, "standard", "no 'centers', only 'label'"),
        ({"centers": np.zeros((5, 2), np.int32)}, "standard", r"shape \(5, 2\): expected"),
        (
            {"centers": np.zeros((20, 2), np.int32)},
            "hard",
            "do not follow from its centres",
        ),
        ({"centers": np.zeros((20, 2), np.int32)}, "none", "unknown config 'none'"),
        ({"centers": np.full((20, 2), -9, np.int32)}, "standard", "a row of -9 to -9, and"),
        ({"centers": np.full((20, 2), 72, np.int32)}, "standard", "a row of 72 to 72, and"),
    ],
)
def test_what_can_not_be_rendered_is_refused(clip, config, message):
    with pytest.raises(SpecError, match=message):
        dotmotion_tfds.render(clip, config)
