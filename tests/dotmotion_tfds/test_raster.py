import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmotion_tfds import ClipSpec, elements, motion, raster, scenery
from dotmotion_tfds.arrays import NUMPY


def paint_as_the_notebook_does(spec, centers):
    """One frame at a time, with Python's own slices."""
    video = np.zeros((*centers.shape[:2], spec.height, spec.width, 1), np.uint8)
    for clip, frame in np.ndindex(centers.shape[:2]):
        row, column = centers[clip, frame]
        top, left = row - spec.dot_size // 2, column - spec.dot_size // 2
        bottom, right = top + spec.dot_size, left + spec.dot_size
        if not spec.as_notebook:
            top, left, bottom, right = (max(edge, 0) for edge in (top, left, bottom, right))
        video[clip, frame, top:bottom, left:right, 0] = 255
    return video


geometry = {
    "frames": st.integers(1, 4),
    "height": st.integers(8, 21),
    "width": st.integers(8, 33),
    "dot_size": st.integers(1, 8),
    "noise": st.floats(0, 2),
    "as_notebook": st.booleans(),
}
specs = st.builds(ClipSpec, **geometry)
scenes = st.builds(
    ClipSpec,
    **geometry,
    channels=st.sampled_from([1, 3]),
    contrast=st.integers(1, 255),
    sensor_noise=st.sampled_from([0, 0.5, 20, 64]),
    distractors=st.integers(0, 7),
    varying_speed=st.booleans(),
)


def paint_scene(spec, indices, centers):
    """One dot and frame at a time, from the scenery's own draws."""
    drawn = {"split": "train", "seed": 0}
    colors = scenery.COLORS[spec.channels][scenery.colors(NUMPY, spec, indices, **drawn)]
    shows = np.ones(centers.shape[:2], bool)
    if spec.occluded_frames:
        shows = scenery.shows(NUMPY, spec, indices, **drawn)
    lit = paint_as_the_notebook_does(spec, centers) > 0
    lit &= shows[..., np.newaxis, np.newaxis, np.newaxis]
    if spec.distractors:
        others = scenery.distractor_centers(NUMPY, spec, indices, **drawn)
        for number in range(spec.distractors):
            lit |= paint_as_the_notebook_does(spec, others[:, :, number]) > 0
    lit = lit * colors[:, np.newaxis, np.newaxis, np.newaxis]
    if spec.sensor_noise:
        return scenery.noisy(NUMPY, spec, lit, indices, **drawn)
    return spec.ground_level + lit.astype(int) * spec.contrast


@given(scenes, st.integers(0, 2**40), st.data())
@settings(max_examples=60, deadline=None)
def test_rendering_a_scene_equals_painting_dot_by_dot(spec, first, data):
    gap = data.draw(st.integers(0, spec.frames - 1))
    spec = dataclasses.replace(spec, occluded_frames=gap)
    indices = first + np.arange(4)
    clips = elements.render_clips(NUMPY, spec, indices, split="train", seed=0)
    painted = paint_scene(spec, indices, clips["centers"])
    assert clips["video"].dtype == np.uint8
    np.testing.assert_array_equal(clips["video"], painted)


@given(specs, st.integers(0, 2**40))
@settings(max_examples=40, deadline=None)
def test_rendering_equals_painting_frame_by_frame(spec, first):
    indices = first + np.arange(8)
    clips = elements.render_clips(NUMPY, spec, indices, split="train", seed=0)
    painted = paint_as_the_notebook_does(spec, clips["centers"])
    np.testing.assert_array_equal(clips["video"], painted)


@pytest.mark.parametrize("as_notebook", [False, True])
def test_edges_at_every_possible_centre(as_notebook):
    spec = ClipSpec(as_notebook=as_notebook)
    (row_min, row_max), (column_min, column_max) = motion.center_tables(spec).bounds
    rows = np.arange(row_min, row_max + 1)
    columns = np.linspace(column_min, column_max, len(rows)).astype(int)
    centers = np.stack([rows, columns], axis=-1).astype(np.int32)[np.newaxis]
    expected = paint_as_the_notebook_does(spec, centers)
    np.testing.assert_array_equal(raster.render_dot(NUMPY, spec, centers), expected)
    blank = ~expected.any(axis=(0, 2, 3, 4))
    assert blank[rows == 2] == as_notebook, "a dot over the top edge blanks the frame"


def test_every_constant_clip_of_the_notebook_is_black_and_no_other_is():
    spec = ClipSpec(as_notebook=True)
    clips = elements.render_clips(NUMPY, spec, np.arange(2000), split="train", seed=0)
    black = ~clips["video"].any(axis=(1, 2, 3, 4))
    np.testing.assert_array_equal(black, clips["label"] == motion.CONSTANT)


@pytest.mark.parametrize("split", ["train", "test"])
def test_no_clip_of_standard_is_black(split):
    for first in range(0, 20_000, 500):
        indices = np.arange(first, first + 500)
        clips = elements.render_clips(NUMPY, ClipSpec(), indices, split=split, seed=0)
        assert clips["video"].any(axis=(1, 2, 3, 4)).all()


def test_pixels_are_0_or_255_and_a_whole_dot_is_its_size():
    clips = elements.render_clips(NUMPY, ClipSpec(), np.arange(400), split="train", seed=0)
    assert clips["video"].dtype == np.uint8
    assert np.unique(clips["video"]).tolist() == [0, 255]
    constant = clips["video"][clips["label"] == motion.CONSTANT]
    assert ((constant == 255).sum(axis=(2, 3, 4)) == 36).all()
