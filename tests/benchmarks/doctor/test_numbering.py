"""Batches of numbers without a tensor for each number."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.doctor import graphs, numbering, reordering

# As many elements are looked at where there is no end.
ENOUGH = 60


def course_of(count, dataset):
    """Of the stages behind the first one."""
    pipeline = graphs.read(dataset)
    stages = [node for node in pipeline.nodes if node.op in reordering.CALLS]
    return numbering.course(count, pipeline, stages)


def batches_of(course, size, drop):
    starts = course.starts(size, drop_remainder=drop)
    return starts.map(lambda start: course.batch(start, size, drop_remainder=drop))


def assert_equal_batches(course, dataset, size, drop):
    made = batches_of(course, size, drop)
    expected = dataset.batch(size, drop_remainder=drop)
    assert (made.cardinality() < 0) == (expected.cardinality() < 0)
    pairs = zip(made.take(ENOUGH), expected.take(ENOUGH), strict=True)
    for one, other in pairs:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def sharded(shards):
    return st.integers(0, shards - 1).map(lambda index: ("shard", shards, index))


STAGES = st.one_of(
    st.tuples(st.just("skip"), st.integers(-1, 12)),
    st.tuples(st.just("take"), st.integers(-1, 30)),
    st.tuples(st.just("repeat"), st.integers(-1, 3)),
    st.tuples(st.just("prefetch"), st.integers(1, 3)),
    st.integers(1, 4).flatmap(sharded),
)


@settings(max_examples=120, deadline=None)
@given(
    count=st.integers(1, 40),
    stages=st.lists(STAGES, max_size=4),
    size=st.integers(1, 9),
    drop=st.booleans(),
)
def test_batches_are_those_of_tensorflow(count, stages, size, drop):
    dataset = tf.data.Dataset.range(count)
    names = []
    for name, *arguments in stages:
        dataset = getattr(dataset, name)(*arguments)
        names.append(name)
    course = course_of(count, dataset)
    if course is None:
        # Part of what comes several times, or nothing at all.
        behind = names[names.index("repeat") :] if "repeat" in names else []
        assert {"skip", "take", "shard"} & set(behind) or dataset.cardinality() == 0
    else:
        assert_equal_batches(course, dataset, size, drop)


def test_a_pass_is_counted_whole_before_the_next():
    dataset = tf.data.Dataset.range(5).repeat()
    course = course_of(5, dataset)
    assert course == numbering.Course(5, passes=-1)
    (first, second, third) = batches_of(course, 3, drop=False).take(3).as_numpy_iterator()
    assert [each.tolist() for each in (first, second, third)] == [
        [0, 1, 2],
        [3, 4, 0],
        [1, 2, 3],
    ]


@pytest.mark.parametrize(
    "dataset",
    [
        tf.data.Dataset.range(8).shuffle(4, seed=1),
        tf.data.Dataset.range(8).repeat(2).skip(3),
        tf.data.Dataset.range(8).skip(8),
        tf.data.Dataset.range(8).shard(4, 2).shard(4, 3),
        tf.data.Dataset.range(8).repeat(1 << 62),
        tf.data.Dataset.range(8).repeat(0),
    ],
)
def test_there_is_no_course_of_numbers_in_another_order(dataset):
    assert course_of(8, dataset) is None


def test_there_is_no_course_without_numbers():
    assert course_of(0, tf.data.Dataset.range(0).repeat()) is None
