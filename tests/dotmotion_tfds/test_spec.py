import numpy as np
import pytest

from dotmotion_tfds import ClipSpec, SpecError
from dotmotion_tfds.spec import require_seed, require_split


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frames", 0),
        ("frames", -1),
        ("frames", 2.5),
        ("frames", True),
        ("frames", "20"),
        ("frames", 10**6),
        ("height", 0),
        ("width", None),
        ("dot_size", 0),
        ("dot_size", 51),
        ("dot_size", 6.0),
        ("noise", -0.1),
        ("noise", 13),
        ("noise", float("nan")),
        ("noise", float("inf")),
        ("noise", "much"),
        ("channels", 2),
        ("channels", 3.0),
        ("contrast", 0),
        ("contrast", 256),
        ("sensor_noise", 65),
        ("distractors", 8),
        ("occluded_frames", 20),
        ("varying_speed", 1),
        ("varying_speed", "yes"),
    ],
)
def test_values_out_of_range_are_named(field, value):
    with pytest.raises(SpecError, match=f"{field}=.*expected") as caught:
        ClipSpec(**{field: value})
    assert "\n" not in str(caught.value)
    assert repr(value) in str(caught.value)


def test_clips_beyond_memory_are_refused():
    with pytest.raises(SpecError, match="fewer frames"):
        ClipSpec(frames=4096, height=4096, width=4096)


def test_numpy_integers_are_integers():
    spec = ClipSpec(frames=np.int64(3), dot_size=np.uint8(6), noise=np.float32(0.5))
    assert spec.video_shape == (3, 50, 130, 1)
    assert repr(spec) == repr(ClipSpec(frames=3, dot_size=6, noise=0.5))
    assert require_seed(np.uint64(7)) == 7


def test_slugs_differ_between_specs():
    specs = [
        ClipSpec(),
        ClipSpec(noise=0.1234567),
        ClipSpec(noise=0.1234568),
        ClipSpec(as_notebook=True),
        ClipSpec(dot_size=5),
    ]
    assert len({spec.slug() for spec in specs}) == len(specs)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, None])
def test_seeds_are_checked(seed):
    with pytest.raises(SpecError, match="seed="):
        require_seed(seed)


def test_splits_are_checked():
    with pytest.raises(
        SpecError, match="unknown split 'validation': expected 'train' or 'test'"
    ):
        require_split("validation")
