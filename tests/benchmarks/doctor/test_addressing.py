"""Rows and windows of arrays by their numbers."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.doctor import addressing, graphs

RNG = np.random.default_rng(5)


def rows(count=40):
    return {
        "x": RNG.standard_normal((count, 2, 3)).astype(np.float32),
        "text": np.array([f"row {number}" for number in range(count)]),
    }


def last_of(dataset):
    pipeline = graphs.read(dataset)
    return addressing.of(pipeline, pipeline.nodes[-1])


def assert_the_same(dataset, found):
    made = found.at(tf.range(found.count, dtype=tf.int64))
    expected = [tf.nest.flatten(each) for each in dataset]
    assert found.count == len(expected)
    for number, element in enumerate(expected):
        for one, other in zip(element, made, strict=True):
            np.testing.assert_array_equal(one, other[number])


def test_rows_come_by_their_numbers_in_any_order():
    arrays = rows()
    found = last_of(tf.data.Dataset.from_tensor_slices(arrays))
    assert found.count == 40
    text, x = found.at(tf.constant([3, 3, 39, 0], tf.int64))
    np.testing.assert_array_equal(x, arrays["x"][[3, 3, 39, 0]])
    assert [each.decode() for each in text.numpy()] == [
        f"row {number}" for number in (3, 3, 39, 0)
    ]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 40),
    size=st.integers(1, 12),
    shift=st.integers(1, 15),
    stride=st.integers(1, 3),
    drops_first=st.booleans(),
)
def test_windows_are_those_of_tensorflow(count, size, shift, stride, drops_first):
    array = np.arange(3 * count, dtype=np.int32).reshape(count, 3)
    dataset = tf.data.Dataset.from_tensor_slices(array)
    dataset = dataset.window(size, shift, stride, drop_remainder=drops_first)
    dataset = dataset.flat_map(
        lambda window: window.batch(size, drop_remainder=not drops_first)
    )
    assert_the_same(dataset, last_of(dataset))


def test_windows_of_several_arrays_can_change_places():
    dataset = tf.data.Dataset.from_tensor_slices(rows()).window(8, 4, drop_remainder=True)
    dataset = dataset.flat_map(
        lambda window: tf.data.Dataset.zip((window["x"].batch(8), window["text"].batch(8)))
    )
    found = last_of(dataset)
    assert found.window.components == (1, 0)
    assert_the_same(dataset, found)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda window: window.batch(3), "a window has several batches"),
        (lambda window: window.map(lambda each: each + 1).batch(4), "rows are changed"),
        (lambda window: window.batch(4).map(lambda each: each[:2]), "batches are"),
        (lambda window: window.batch(4).repeat(2), "windows come again"),
        (lambda window: window.skip(1), "rows are elements"),
        (
            lambda window: tf.data.Dataset.zip((window.batch(4), tf.data.Dataset.range(1))),
            "there is another dataset besides",
        ),
    ],
)
def test_other_functions_of_windows_are_left_alone(function, why):
    dataset = tf.data.Dataset.from_tensor_slices(np.arange(20)).window(
        4, drop_remainder=True
    )
    assert last_of(dataset.flat_map(function)) is None, why


def test_windows_that_end_early_are_left_alone():
    dataset = tf.data.Dataset.from_tensor_slices(np.arange(21)).window(4)
    assert last_of(dataset.flat_map(lambda window: window.batch(4))) is None


@settings(max_examples=40, deadline=None)
@given(
    start=st.integers(-20, 20),
    stop=st.integers(-20, 20),
    step=st.sampled_from([-3, -1, 1, 2, 7]),
    dtype=st.sampled_from([tf.int64, tf.int32, tf.float32]),
)
def test_numbers_of_a_range_are_those_of_tensorflow(start, stop, step, dtype):
    dataset = tf.data.Dataset.range(start, stop, step, output_type=dtype)
    found = last_of(dataset)
    assert_the_same(dataset, found)
    assert [each.dtype for each in found.at(tf.range(0, dtype=tf.int64))] == [dtype]


def test_a_range_may_be_longer_than_memory():
    assert last_of(tf.data.Dataset.range(1 << 62)).count == 1 << 62
    assert last_of(tf.data.Dataset.range(-5, (1 << 63) - 1)) is None


@pytest.mark.parametrize(
    "dataset",
    [
        tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1], [2, 3]])),
        tf.data.Dataset.from_tensor_slices(tf.sparse.eye(3)),
        tf.data.Dataset.from_tensors(np.arange(3)),
        tf.data.Dataset.range(8)
        .window(2, drop_remainder=True)
        .flat_map(lambda window: window.batch(2)),
    ],
)
def test_what_is_in_no_array_has_no_rows(dataset):
    assert last_of(dataset) is None
