import numpy as np
import pytest
import scipy.stats

from dotmotion_tfds import CONFIGS, ClipSpec, elements, motion, scenery
from dotmotion_tfds.arrays import NUMPY

HARD = CONFIGS["hard"].spec
DRAWN = {"split": "train", "seed": 0}


def test_noise_is_normal_around_the_ground():
    assert (HARD.ground_level, HARD.contrast) == (47, 160)
    for value, center in ((0, 47), (1, 207)):
        lit = np.full((20, *HARD.video_shape), value, np.uint8)
        noise = scenery.noisy(NUMPY, HARD, lit, np.arange(20), **DRAWN)
        # Clipping at 0 and 255 is at two deviations.
        assert noise.mean() == pytest.approx(center, abs=0.5)
        assert noise.std() == pytest.approx(24, rel=0.03)
        expected = scipy.stats.norm.ppf((np.arange(256) + 0.5) / 256, center, 24)
        levels = scenery.noise_levels(HARD)[value]
        assert np.abs(levels - expected.clip(0, 255)).max() <= 0.51


def test_noise_shows_at_every_contrast():
    spec = ClipSpec(sensor_noise=24)
    video = elements.render_clips(NUMPY, spec, np.arange(4), **DRAWN)["video"]
    plain = elements.render_clips(NUMPY, ClipSpec(), np.arange(4), **DRAWN)["video"]
    on_ground, on_dot = video[plain == 0], video[plain == 255]
    # Half of the noise is clipped at each end.
    assert on_ground.mean() == pytest.approx(24 / np.sqrt(2 * np.pi), rel=0.05)
    assert 255 - on_dot.mean() == pytest.approx(24 / np.sqrt(2 * np.pi), rel=0.1)


def test_pixels_of_noise_are_uncorrelated_in_space_time_and_between_clips():
    ground = np.zeros((20, *HARD.video_shape), np.uint8)
    noise = scenery.noisy(NUMPY, HARD, ground, np.arange(20), **DRAWN)[..., 0]
    noise = noise - noise.mean()
    for shifted in (
        noise[:, :, :, 1:] * noise[:, :, :, :-1],
        noise[:, :, 1:] * noise[:, :, :-1],
        noise[:, 1:] * noise[:, :-1],
        noise[1:] * noise[:-1],
    ):
        assert abs(shifted.mean()) / 24**2 < 5 / np.sqrt(shifted.size)


def test_the_gap_is_one_of_its_length_and_starts_anywhere():
    shows = scenery.shows(NUMPY, HARD, np.arange(4000), **DRAWN)
    assert ((~shows).sum(axis=1) == 4).all()
    starts = np.argmin(shows, axis=1)
    for start, row in zip(starts, shows, strict=True):
        assert not row[start : start + 4].any()
    counts = np.bincount(starts)
    assert len(counts) == 17
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_distractors_stay_inside_move_evenly_and_turn_at_edges():
    centers = scenery.distractor_centers(NUMPY, HARD, np.arange(3000), **DRAWN)
    assert centers.shape == (3000, 20, 3, 2)
    assert (centers >= 0).all()
    assert (centers < [50, 130]).all()
    speed = np.diff(centers, axis=1)
    assert np.abs(speed).max(axis=(0, 1, 2)).tolist() == [6, 14]
    # Away from the edges, two steps in a row differ by rounding only.
    inside = ((centers > 14) & (centers < np.array([50, 130]) - 15)).all(axis=-1)
    inside = inside[:, :-2] & inside[:, 1:-1] & inside[:, 2:]
    assert np.abs(np.diff(speed, axis=1)[inside]).max() <= 1
    first = centers[:, 0].reshape(-1, 2)
    assert scipy.stats.chisquare(np.bincount(first[:, 0], minlength=50)).pvalue > 1e-4
    assert scipy.stats.chisquare(np.bincount(first[:, 1], minlength=130)).pvalue > 1e-4


def test_scenery_does_not_tell_the_class():
    indices = np.arange(8000)
    labels = motion.labels(NUMPY, indices, **DRAWN)
    spec = CONFIGS["large"].spec
    colors = scenery.colors(NUMPY, spec, indices, **DRAWN)
    table = scipy.stats.contingency.crosstab(labels, colors).count
    assert table.shape == (4, 7)
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-4
    starts = np.argmin(scenery.shows(NUMPY, HARD, indices, **DRAWN), axis=1)
    table = scipy.stats.contingency.crosstab(labels, starts).count
    assert scipy.stats.chi2_contingency(table).pvalue > 1e-4


def test_distractors_look_like_the_dot():
    spec = ClipSpec(distractors=2, noise=0)
    video = elements.render_clips(NUMPY, spec, np.arange(40), **DRAWN)["video"]
    assert np.unique(video).tolist() == [0, 255]
    # Three dots of 36 pixels, fewer where they overlap or leave the frame.
    lit = (video > 0).sum(axis=(2, 3, 4))
    assert lit.max() == 3 * 36
    assert np.median(lit) > 2 * 36


def test_colours_are_on_or_off_in_each_channel():
    spec = ClipSpec(frames=3, height=20, width=30, channels=3)
    video = elements.render_clips(NUMPY, spec, np.arange(200), **DRAWN)["video"]
    seen = {tuple(pixel) for pixel in video.reshape(-1, 3)}
    assert len(seen) == 8
    for clip in video:
        assert len({tuple(pixel) for pixel in clip.reshape(-1, 3)}) == 2
