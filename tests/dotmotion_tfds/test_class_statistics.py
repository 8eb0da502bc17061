import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dotmotion_tfds
from dotmotion_tfds import CLASS_NAMES, CONFIGS, ClipSpec, class_statistics
from dotmotion_tfds.class_statistics import ClassStatistics, Spread
from tests.conftest import SMALL_SPEC


def naive_statistics(videos, centers, ground=0):
    """The statistics of some clips, pixel by pixel and with Python's integers."""
    lit_of_clips = [
        [
            [any(int(value) != ground for value in pixel) for row in frame for pixel in row]
            for frame in video
        ]
        for video in videos
    ]
    positions = [(int(row), int(column)) for clip in centers for row, column in clip]
    height, width = videos.shape[2:4]
    lit_frames = [frame for clip in lit_of_clips for frame in clip]
    return ClassStatistics(
        clips=len(lit_of_clips),
        black_clips=sum(not any(map(any, clip)) for clip in lit_of_clips),
        frames=len(lit_frames),
        blank_frames=sum(not any(frame) for frame in lit_frames),
        pixels=sum(map(len, lit_frames)),
        lit_pixels=sum(map(sum, lit_frames)),
        values=videos.size,
        value_sum=sum(videos.ravel().tolist()),
        rows=naive_spread([row for row, _ in positions]),
        columns=naive_spread([column for _, column in positions]),
        centers_outside=sum(
            not (0 <= row < height and 0 <= column < width) for row, column in positions
        ),
    )


def naive_spread(values):
    return Spread(
        count=len(values),
        total=sum(values),
        squares=sum(value * value for value in values),
        lowest=min(values, default=None),
        highest=max(values, default=None),
    )


@st.composite
def small_specs(draw):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    side = min(height, width)
    return ClipSpec(
        frames=draw(st.integers(1, 4)),
        height=height,
        width=width,
        dot_size=draw(st.integers(1, side)),
        noise=draw(st.floats(0, side / 4)),
        as_notebook=draw(st.booleans()),
    )


@given(
    small_specs(),
    st.sampled_from(dotmotion_tfds.SPLITS),
    st.integers(0, (1 << 63) - 1),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_a_split_is_counted_as_clip_by_clip(spec, split, seed, num_clips):
    clips = dotmotion_tfds.clips(range(num_clips), split, spec, seed)
    videos, centers = clips["video"].numpy(), clips["centers"].numpy()
    labels = clips["label"].numpy()
    found = class_statistics.class_statistics(
        spec, split=split, seed=seed, num_clips=num_clips
    )
    for label in range(len(CLASS_NAMES)):
        of_class = labels == label
        assert found[label] == naive_statistics(videos[of_class], centers[of_class])


@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([0, 7]))
@settings(max_examples=40, deadline=None)
def test_greys_and_colours_over_any_ground(seed, channels, ground):
    random = np.random.default_rng(seed)
    videos = np.full((3, 2, 3, 4, channels), ground, np.uint8)
    lit = random.random(videos.shape) < 0.1
    videos[lit] = random.integers(0, 256, lit.sum())
    centers = random.integers(-2, 6, (3, 2, 2), np.int32)
    found = ClassStatistics.of(videos, centers, ground=ground)
    assert found == naive_statistics(videos, centers, ground)


def test_one_channel_is_enough_to_light_a_pixel():
    videos = np.zeros((1, 1, 2, 2, 3), np.uint8)
    videos[0, 0, 1, 0, 2] = 1
    centers = np.zeros((1, 1, 2), np.int32)
    found = ClassStatistics.of(videos, centers, ground=0)
    assert (found.black_clips, found.lit_fraction, found.mean_value) == (0, 1 / 4, 1 / 12)


@pytest.mark.parametrize("batch_clips", [1, 3, 9])
def test_the_size_of_a_batch_makes_no_difference(batch_clips, monkeypatch):
    options = {"split": "test", "seed": 3, "num_clips": 9}
    whole = class_statistics.class_statistics(SMALL_SPEC, **options)
    monkeypatch.setattr(
        class_statistics, "_BATCH_BYTES", batch_clips * SMALL_SPEC.clip_bytes
    )
    counted = []
    in_batches = class_statistics.class_statistics(
        SMALL_SPEC, **options, advance=counted.append
    )
    assert in_batches == whole
    assert counted == [batch_clips] * (9 // batch_clips)


def test_a_clip_larger_than_a_batch(monkeypatch):
    monkeypatch.setattr(class_statistics, "_BATCH_BYTES", 1)
    found = class_statistics.class_statistics(SMALL_SPEC, split="test", seed=0, num_clips=4)
    assert [of_class.clips for of_class in found] == [1, 1, 1, 1]


@pytest.mark.parametrize("split", dotmotion_tfds.SPLITS)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_classes_are_balanced_and_only_the_notebooks_constant_is_black(config, split):
    size = config.split_size(split)
    found = class_statistics.class_statistics(
        config.spec, split=split, seed=0, num_clips=size
    )
    assert [of_class.clips for of_class in found] == [size // 4] * 4
    black = {
        name: of_class.black_clips
        for name, of_class in zip(CLASS_NAMES, found, strict=True)
        if of_class.black_clips
    }
    assert black == ({"constant": 20} if config.name == "notebook" else {})


@given(st.lists(st.lists(st.integers(1 - 2**20, 2**20 - 1), max_size=5), max_size=4))
@settings(deadline=None)
def test_a_spread_is_that_of_its_parts(parts):
    whole = sum((Spread.of(np.array(part, np.int32)) for part in parts), Spread())
    values = [value for part in parts for value in part]
    assert whole == naive_spread(values)
    if not values:
        assert (whole.mean, whole.deviation) == (None, None)
        return
    assert whole.mean == float(Fraction(sum(values), len(values)))
    assert whole.deviation == pytest.approx(statistics.pstdev(values), rel=1e-12)


def test_no_clips_have_no_fractions():
    empty = ClassStatistics()
    for name in ("blank_fraction", "lit_fraction", "mean_value", "outside_fraction"):
        assert getattr(empty, name) is None
