"""Windows that are cut out of batches of rows."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.doctor import building, graphs, vectorised_rewrites, window_rewrites
from tests.benchmarks.doctor.rewritable import kinds, numbers, view_of


def windows(dataset, size, shift=1, stride=1):
    dataset = dataset.window(size, shift, stride, drop_remainder=True)
    return dataset.flat_map(lambda window: window.batch(size))


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 400),
    size=st.integers(1, 9),
    shift=st.integers(1, 9),
    stride=st.integers(1, 3),
)
def test_they_are_those_of_tensorflow(count, size, shift, stride):
    dataset = windows(tf.data.Dataset.range(count), size, shift, stride)
    view = view_of(dataset)
    found = window_rewrites.find(view)
    assert bool(found) == (shift <= (size - 1) * stride + 1)
    for rewrite in found:
        changed = building.build(window_rewrites.apply(view.pipeline, rewrite))
        assert [each.tolist() for each in changed.as_numpy_iterator()] == [
            each.tolist() for each in dataset.as_numpy_iterator()
        ]


def test_large_windows_are_cut_out_few_at_a_time():
    rows = tf.data.Dataset.range(2300).map(lambda each: tf.fill([1024], each))
    view = view_of(windows(rows, 512, shift=256))
    (rewrite,) = window_rewrites.find(view)
    changed = window_rewrites.apply(view.pipeline, rewrite)
    (batch,) = (node for node in changed.nodes if node.op == "BatchDatasetV2")
    assert int(changed.constant(batch.tag, "batch_size")) == 256
    firsts = [int(each[0, 0]) for each in building.build(changed)]
    assert firsts == list(range(0, 2300 - 511, 256))


def test_windows_that_can_be_gathered_are_not_cut_out():
    series = tf.data.Dataset.from_tensor_slices(np.arange(60))
    assert kinds(window_rewrites, windows(series, 4).batch(8)) == []
    assert kinds(vectorised_rewrites, windows(series, 4).batch(8)) == ["gather rows"]
    assert kinds(window_rewrites, windows(series, 4)) == ["windows by slicing"]


@pytest.mark.parametrize(
    "dataset",
    [
        windows(numbers().map(lambda each: tf.range(each % 3)), 4),
        numbers().window(4).flat_map(lambda window: window.batch(4)),
        numbers().window(4).map(lambda window: window.cardinality()),
        numbers().flat_map(lambda each: tf.data.Dataset.range(each)),
    ],
)
def test_others_stay_as_they_are(dataset):
    assert kinds(window_rewrites, dataset) == []


def test_windows_of_another_kind_are_an_error():
    view = view_of(windows(numbers(), 4))
    (rewrite,) = window_rewrites.find(view)
    other = graphs.read(
        numbers().window(4, drop_remainder=True).flat_map(lambda each: each.skip(1))
    )
    with pytest.raises(graphs.GraphError, match="no windows"):
        window_rewrites.apply(other, rewrite)
