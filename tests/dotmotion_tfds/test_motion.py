import math

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmotion_tfds import CONFIGS, ClipSpec, elements, motion
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.arrays_tensorflow import TENSORFLOW

STANDARD = ClipSpec()
NOTEBOOK = ClipSpec(as_notebook=True)
FRAMES = 20
SINE_ANGLES = np.linspace(math.pi / 10, 2 * math.pi, FRAMES)


def notebook_distributions(label, frame):
    """((row mean, sd), (column mean, sd)) as the notebook computes them, in floats."""
    i = frame
    return {
        motion.SINE: (
            (23 * (math.sin(SINE_ANGLES[i]) + 1) + 4, 23 * 0.05),
            (6 * (i + 1), 0),
        ),
        motion.CONSTANT: ((65, 1), (25, 1)),
        motion.ASCENDING: ((2 * (i + 1) + 2, 1), (6 * (i + 1), 0)),
        motion.DESCENDING: ((2 * (20 - i) + 2, 1), (6 * (i + 1), 0)),
    }[label]


def sample_centers(spec, num_clips, *, split="train", seed=0):
    indices = np.arange(num_clips, dtype=np.int64)
    described = [
        elements.describe_clips(NUMPY, spec, chunk, split=split, seed=seed)
        for chunk in np.array_split(indices, max(1, num_clips // 4000))
    ]
    labels = np.concatenate([part["label"] for part in described])
    return labels, np.concatenate([part["centers"] for part in described])


def chi_square_p_value(values, mean, deviation):
    low, high = math.floor(mean - 12 * deviation), math.ceil(mean + 12 * deviation)
    pixels = np.arange(low, high + 1)
    assert values.min() >= low
    assert values.max() <= high
    observed = np.array([(values == pixel).sum() for pixel in pixels])
    edges = (pixels + 0.5 - mean) / deviation
    expected = len(values) * np.diff(scipy.stats.norm.cdf(edges), prepend=0)
    common = expected >= 5
    observed = np.append(observed[common], observed[~common].sum())
    expected = np.append(expected[common], len(values) - expected[common].sum())
    if expected[-1] < 1e-9:
        observed, expected = observed[:-1], expected[:-1]
    return scipy.stats.chisquare(observed, expected).pvalue


@pytest.fixture(scope="module")
def notebook_sample():
    return sample_centers(NOTEBOOK, 100_000)


def test_positions_follow_the_formulas_of_the_notebook(notebook_sample):
    labels, centers = notebook_sample
    p_values = []
    for label in range(motion.NUM_CLASSES):
        of_class = centers[labels == label]
        assert len(of_class) == 25_000
        for frame in range(FRAMES):
            distributions = notebook_distributions(label, frame)
            for axis, (mean, deviation) in enumerate(distributions):
                values = of_class[:, frame, axis]
                if deviation == 0:
                    assert (values == mean).all()
                else:
                    p_values.append(chi_square_p_value(values, mean, deviation))
    assert len(p_values) == 100
    assert min(p_values) > 1e-4
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_the_chi_square_test_sees_a_shift_of_a_twentieth_of_a_pixel(notebook_sample):
    labels, centers = notebook_sample
    rows = centers[labels == motion.ASCENDING][:, 0, 0]
    (mean, deviation), _ = notebook_distributions(motion.ASCENDING, 0)
    assert chi_square_p_value(rows, mean, deviation) > 1e-4
    assert chi_square_p_value(rows, mean + 0.05, deviation) < 1e-4


def test_draws_of_a_clip_are_uncorrelated(notebook_sample):
    labels, centers = notebook_sample
    rows = centers[labels == motion.DESCENDING][:, :, 0]
    constant = centers[labels == motion.CONSTANT].reshape(-1, 2 * FRAMES)
    for sample in (rows, constant):
        correlation = np.corrcoef(sample, rowvar=False)
        np.fill_diagonal(correlation, 0)
        assert np.abs(correlation).max() < 5 / math.sqrt(len(sample))


@pytest.mark.parametrize("split", ["train", "test"])
def test_standard_swaps_the_axes_of_constant_and_the_direction_of_ascending(split):
    labels, centers = sample_centers(STANDARD, 4000, split=split)
    _, as_notebook = sample_centers(NOTEBOOK, 4000, split=split)
    constant = centers[labels == motion.CONSTANT]
    assert np.abs(constant - [25, 65]).max() <= 6
    rows = centers[labels == motion.ASCENDING].mean(axis=0)[:, 0]
    assert (np.diff(rows) < 0).all(), (
        "rows count from the top, so rising means falling rows"
    )
    sine = labels == motion.SINE
    assert (centers[sine] == as_notebook[sine]).all()


def test_splits_and_seeds_have_nothing_in_common():
    _, base = sample_centers(STANDARD, 1000)
    for other in ({"split": "test"}, {"seed": 1}):
        _, drawn = sample_centers(STANDARD, 1000, **other)
        assert not any((base == row).all(axis=(1, 2)).any() for row in drawn)


@given(st.integers(0, 2**40), st.integers(0, 2**63 - 1), st.sampled_from(["train", "test"]))
@settings(max_examples=50, deadline=None)
def test_every_block_of_four_clips_holds_each_class_once(block, seed, split):
    indices = 4 * block + np.arange(4)
    labels = motion.labels(NUMPY, indices, split=split, seed=seed)
    assert sorted(labels.tolist()) == [0, 1, 2, 3]


def test_orders_of_the_classes_are_equally_frequent():
    labels = motion.labels(NUMPY, np.arange(96_000), split="train", seed=0).reshape(-1, 4)
    _, counts = np.unique(labels, axis=0, return_counts=True)
    assert len(counts) == 24
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


@given(
    mean=st.fractions(-40, 40, max_denominator=200),
    deviation=st.fractions(0, 6, max_denominator=50),
)
@settings(max_examples=25, deadline=None)
def test_rounded_normal_has_the_probabilities_of_a_normal(mean, deviation):
    lowest, thresholds = motion.rounded_normal(
        motion._exact(mean), motion._exact(deviation)
    )
    if deviation == 0:
        assert (lowest, thresholds) == (round(mean), ())
        return
    below = np.array([(threshold + 1) / 2**64 for threshold in thresholds])
    pixels = lowest + np.arange(len(thresholds))
    expected = scipy.stats.norm.cdf((pixels + 0.5 - float(mean)) / float(deviation))
    np.testing.assert_allclose(below, expected, rtol=1e-9, atol=2**-63)
    assert list(thresholds) == sorted(set(thresholds))
    assert all(0 <= threshold < 2**64 - 1 for threshold in thresholds)


@pytest.mark.parametrize("noise", [5e-324, 1e-300, 1e-9])
def test_noise_of_no_effect_is_no_noise(noise):
    still = motion.center_tables(ClipSpec(frames=3, noise=0))
    found = motion.center_tables(ClipSpec(frames=3, noise=noise))
    np.testing.assert_array_equal(found.lowest, still.lowest)
    assert (found.thresholds == 2**64 - 1).all()


@pytest.mark.parametrize(
    "spec",
    [
        STANDARD,
        NOTEBOOK,
        ClipSpec(frames=1, height=8, width=9, dot_size=1, noise=0),
        pytest.param(
            ClipSpec(frames=3, height=11, width=7, dot_size=7, noise=1.5),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ClipSpec(frames=2, height=9, width=15, channels=3, contrast=100),
            marks=pytest.mark.slow,
        ),
        ClipSpec(frames=1, varying_speed=True, distractors=7, channels=3),
        ClipSpec(frames=7, height=11, width=13, sensor_noise=9, occluded_frames=6),
        CONFIGS["hard"].spec,
    ],
)
@pytest.mark.parametrize("indices", [[5, 2**33, 3, 2**40 + 1], []])
def test_numpy_eager_graph_and_xla_give_the_same_bits(spec, indices):
    indices = np.array(indices, np.int64)

    def make(xp, values):
        return elements.render_clips(xp, spec, values, split="test", seed=7)

    in_graph = tf.function(lambda values: make(TENSORFLOW, values))
    in_xla = tf.function(lambda values: make(TENSORFLOW, values), jit_compile=True)
    expected = make(NUMPY, indices)
    tensor = tf.constant(indices)
    for found in (make(TENSORFLOW, tensor), in_graph(tensor), in_xla(tensor)):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name].dtype.as_numpy_dtype == value.dtype
            np.testing.assert_array_equal(found[name].numpy(), value)


@pytest.mark.parametrize("spec", [STANDARD, NOTEBOOK, ClipSpec(frames=1, noise=0)])
def test_bounds_hold_every_centre(spec):
    bounds = np.array(motion.center_tables(spec).bounds)
    _, centers = sample_centers(spec, 8000)
    assert (centers >= bounds[:, 0]).all()
    assert (centers <= bounds[:, 1]).all()


def test_without_noise_positions_are_the_means():
    labels, centers = sample_centers(ClipSpec(noise=0, as_notebook=True), 400)
    for label in range(motion.NUM_CLASSES):
        for frame in range(FRAMES):
            expected = [round(mean) for mean, _ in notebook_distributions(label, frame)]
            assert (centers[labels == label][:, frame] == expected).all()


def test_paths_scale_with_the_frame():
    tables = motion.center_tables(ClipSpec(frames=40, height=100, width=260, noise=0))
    base = motion.center_tables(ClipSpec(noise=0))
    for label in (motion.CONSTANT, motion.ASCENDING):
        last, base_last = tables.lowest[label, -1], base.lowest[label, -1]
        assert np.abs(last - 2 * base_last).max() <= 4


def test_varying_speed_keeps_the_path_with_its_ends_and_changes_the_pace():
    spec = ClipSpec(noise=0, varying_speed=True)
    labels, centers = sample_centers(spec, 4000)
    _, even = sample_centers(ClipSpec(noise=0), 4000)
    np.testing.assert_array_equal(centers[:, 0], even[:, 0])
    np.testing.assert_array_equal(centers[:, -1], even[:, -1])
    moves = labels != motion.CONSTANT
    steps = np.diff(centers[moves][..., 1])
    assert steps.min() >= 0
    assert steps.max() >= 2 * 6, "the dot is sometimes twice as fast as evenly"
    means = steps.mean(axis=0)
    np.testing.assert_allclose(means, 6, atol=0.3)
    paces = centers[moves][..., 1]
    assert len(np.unique(paces, axis=0)) == len(paces), "each clip has a pace of its own"
    on_the_path = set(map(tuple, even[labels == motion.CONSTANT].reshape(-1, 2)))
    assert set(map(tuple, centers[~moves].reshape(-1, 2))) == on_the_path
