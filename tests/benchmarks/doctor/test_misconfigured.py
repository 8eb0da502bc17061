"""The collection itself: what was configured by hand is the same pipeline."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.benchmarks.doctor import misconfigured

ELEMENTS = 2


def first_of(make_dataset):
    """Flat tensors of the first elements."""
    return [tf.nest.flatten(each) for each in itertools.islice(make_dataset(), ELEMENTS)]


def faulty():
    for each in misconfigured.CASES:
        yield pytest.param(each, id=each.name)


@pytest.mark.parametrize("case", faulty())
def test_by_hand_elements_and_their_order_are_the_same(case, tmp_path):
    make = case.make(tmp_path)
    expected = first_of(make)
    assert len(expected) == ELEMENTS
    assert case.culprit
    assert case.kinds
    by_hand = case.oracle(tmp_path)
    assert bool(by_hand) >= case.is_tunable
    # The first and the last: those between differ in numbers alone.
    for make_dataset in (make, *by_hand[:1], *by_hand[1:][-1:]):
        found = first_of(make_dataset)
        for one, other in zip(
            itertools.chain(*expected), itertools.chain(*found), strict=True
        ):
            assert one.shape == other.shape
            if one.dtype == tf.string:
                np.testing.assert_array_equal(one, other)
            else:
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", misconfigured.FINE, ids=lambda case: case.name)
def test_what_is_fine_has_elements_and_no_cure(case, tmp_path):
    assert len(first_of(case.make(tmp_path))) == ELEMENTS
    assert not case.culprit
    assert not case.kinds


def test_names_are_their_own():
    names = [case.name for case in (*misconfigured.CASES, *misconfigured.FINE)]
    assert len(set(names)) == len(names)
