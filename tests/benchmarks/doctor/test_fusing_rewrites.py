"""Maps that become one."""

import tensorflow as tf

from benchmarks.doctor import fusing_rewrites
from tests.benchmarks.doctor.rewritable import (
    halve,
    is_wanted,
    numbers,
    pair,
    view_of,
    widen,
)


def test_maps_are_fused_as_far_as_one_follows_the_other():
    first = numbers().map(pair).filter(is_wanted)
    second = first.map(lambda number, wide: wide).map(halve).map(halve)
    other = tf.data.Dataset.zip(numbers().map(widen), numbers().map(widen).map(halve))
    assert [len(each.tags) for each in fusing_rewrites.find(view_of(second))] == [3]
    assert [len(each.tags) for each in fusing_rewrites.find(view_of(other))] == [2]
