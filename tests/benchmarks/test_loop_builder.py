import numpy as np
import pytest

from benchmarks.loop_builder import LoopBuilder, loop_clip
from benchmarks.storage import stored_config
from dotmotion_tfds import ClipSpec, motion
from dotmotion_tfds.configs import ENCODINGS


def test_the_loop_makes_clips_with_the_distribution_of_ours():
    random = np.random.RandomState(1)
    tables = motion.center_tables(ClipSpec())
    for label in range(4):
        made = [loop_clip(random, label) for _ in range(300)]
        centers = np.stack([centers for _, centers in made])
        ours = tables.lowest[label] + (tables.thresholds[label] < 2**63).sum(axis=-1)
        assert np.abs(np.median(centers, axis=0) - ours).max() <= 1
        video, first = made[0]
        rows, columns = np.nonzero(video[7, ..., 0])
        assert rows.min() == max(first[7, 0] - 3, 0)
        assert columns.max() == first[7, 1] + 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_stores_as_many_clips_with_the_same_features(tmp_path, encoding):
    config = stored_config(encoding, 20)
    builder = LoopBuilder(named=config, data_dir=tmp_path)
    builder.download_and_prepare()
    clips = list(builder.as_dataset(split="train").as_numpy_iterator())
    assert [clip["index"] for clip in clips] == list(range(16))
    assert ("video" in clips[0]) == (encoding != "trajectories")
