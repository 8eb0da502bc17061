"""Stages that change places."""

import pytest

from benchmarks.doctor import order_rewrites, proof
from tests.benchmarks.doctor.rewritable import WIDE, view_of


@pytest.mark.parametrize("reshuffles", [True, False])
def test_a_shuffle_reshuffles_in_its_new_place_as_in_the_old(reshuffles):
    dataset = WIDE.shuffle(16, seed=4, reshuffle_each_iteration=reshuffles).repeat(3)
    view = view_of(dataset)
    (rewrite,) = order_rewrites.find(view)
    changed = order_rewrites.apply(view.pipeline, rewrite)
    assert proof.compare(view.pipeline, changed).holds
