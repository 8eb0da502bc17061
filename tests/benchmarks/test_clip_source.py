import numpy as np

from benchmarks import clip_source
from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import CONFIGS


def test_clips_are_those_of_the_definition():
    indices = np.arange(300)
    spec = CONFIGS["standard"].spec
    expected = elements.render_clips(NUMPY, spec, indices, split="train", seed=0)
    batch = clip_source.make_clips(indices)
    for name, value in expected.items():
        np.testing.assert_array_equal(batch[name], value, err_msg=name)
    for index in (0, 7, 299):
        clip = clip_source.make_clip(index)
        for name, value in expected.items():
            np.testing.assert_array_equal(clip[name], value[index], err_msg=name)


def test_batches_continue_one_another():
    assert clip_source.make_batch(3, 5)["index"].tolist() == [15, 16, 17, 18, 19]
    assert clip_source.BatchSource().__getitems__([4, 2])["index"].tolist() == [4, 2]
    assert clip_source.ClipSource()[6]["index"] == 6
