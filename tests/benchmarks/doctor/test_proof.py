import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import graphs, proof

SPEC = tf.TensorSpec([], tf.float32)


def of(values):
    return graphs.read(tf.data.Dataset.from_tensor_slices(np.array(values, np.float32)))


def test_equal_pipelines_are_proved_to_their_end():
    assert proof.compare(of([1, 2, 3]), of([1, 2, 3])) == proof.Proof(3, True, "")


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ([1, 2, 3], [1, 9, 3], "element 1: component 0 has other values"),
        ([1, 2, 3], [1, 2], "only one of both ends after 2"),
        ([1, 2], [1, 2, 3], "only one of both ends after 2"),
        ([0.0], [-0.0], "element 0: component 0 has other values"),
        ([1, 2, 3], [1, 3, 2], "element 1: component 0 has other values"),
    ],
)
def test_a_difference_is_named(old, new, difference):
    shown = proof.compare(of(old), of(new))
    assert not shown.holds
    assert shown.difference == difference


def test_a_number_that_is_none_equals_itself():
    assert proof.compare(of([np.nan]), of([np.nan])).holds


def test_shapes_and_types_count():
    one = graphs.read(tf.data.Dataset.from_tensors([1, 2]))
    other = graphs.read(tf.data.Dataset.from_tensors([1.0, 2.0]))
    assert not proof.compare(one, other).holds
    ragged = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1], [2, 3]]))
    shown = proof.compare(graphs.read(ragged), graphs.read(ragged))
    assert shown == proof.Proof(2, True, "")


def test_what_can_not_be_looked_at_is_not_proved():
    nested = graphs.read(tf.data.Dataset.range(6).window(2))
    shown = proof.compare(nested, nested)
    assert not shown.holds
    assert shown.difference == "element 0: component 0 can't be compared"


def test_shuffles_without_a_seed_get_the_same_one():
    one, other = (
        graphs.read(tf.data.Dataset.range(100).shuffle(50, reshuffle_each_iteration=each))
        for each in (True, True)
    )
    assert proof.compare(one, other) == proof.Proof(100, True, "")
    seeded = graphs.read(tf.data.Dataset.range(100).shuffle(50, seed=5))
    assert not proof.compare(one, seeded).holds, "a seed that was given stays"


def test_an_order_that_nobody_wants_does_not_count():
    options = tf.data.Options()
    options.deterministic = False
    numbers = tf.data.Dataset.range(200).map(lambda each: each + 1, num_parallel_calls=4)
    loose = graphs.read(numbers.with_options(options))
    assert proof.compare(loose, loose) == proof.Proof(200, True, "")


def test_it_stops_in_time():
    endless = graphs.read(tf.data.Dataset.range(1 << 40))
    shown = proof.compare(endless, endless, most=20)
    assert (shown.elements, shown.is_whole, shown.holds) == (20, False, True)


def test_two_empty_pipelines_are_equal():
    empty = graphs.read(tf.data.Dataset.range(0))
    assert proof.compare(empty, empty).holds
