import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import padding_advice
from tests.benchmarks.doctor.measured_views import measured


def floats_of(length):
    return tf.random.stateless_uniform([length, 8], (length, 1)), length


def told(lengths, padded_shapes=None, work=lambda *element: element):
    dataset = tf.data.Dataset.from_tensor_slices(np.array(lengths)).repeat()
    padded = dataset.map(floats_of).padded_batch(16, padded_shapes, name="pad").map(work)
    view, now, isolated = measured(padded)
    return padding_advice.find(view, now, isolated.kept)


def sorts(values, lengths):
    return tf.sort(values, axis=1), lengths


SHORT_AND_LONG = [2000, *[100] * 15]


def test_much_padding_is_told_with_bounds_of_buckets():
    (found,) = told([*range(100, 900, 50)] * 2 + [2000] * 2, work=sorts)
    assert found.rewrite.kind == "bucket by length"
    assert "% of what pad gives is padding" in found.rewrite.reason
    assert found.rewrite.alters
    assert found.gain > 1.1
    assert "bucket_batch_sizes=[16, 16, 16, 16]" in found.rewrite.edit


@pytest.mark.parametrize(
    ("lengths", "shapes", "reason"),
    [
        ([500] * 32, None, "all are as long"),
        (SHORT_AND_LONG * 4, ([2000, 8], []), "the length is given"),
    ],
)
def test_batches_that_buckets_would_not_make_smaller_are_left(lengths, shapes, reason):
    assert told(lengths, shapes, work=sorts) == [], reason


@pytest.mark.parametrize(
    ("shapes", "fixed", "padding"),
    [
        ([[(1, 4)], [(3, 4)]], [[None, 4]], 1 - 4 / 6),
        ([[(1, 4)], [(3, 4)]], [[3, 4]], 0.0),
        ([[(2, 2)], [(4, 1)]], [[None, None]], 1 - 8 / 16),
        ([[(), (1,)], [(), (9,)]], [[], [None]], 1 - (2 + 10) / (2 + 18)),
        ([[(0,)], [(0,)]], [[None]], 0.0),
    ],
)
def test_padding_is_what_no_element_has_given(shapes, fixed, padding):
    found = padding_advice._padding(shapes, fixed, [1] * len(fixed), size=2)
    assert found == pytest.approx(padding)


def test_bounds_are_of_the_side_that_varies_most():
    shapes = [[(length, 3), (length % 2,)] for length in range(8, 40)]
    assert padding_advice._bounds(shapes, [[None, 3], [None]], [4, 8]) == [17, 25, 33]
