"""Functions that are called with whole batches."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import building, catalogue, graphs, proof, vectorised_rewrites
from tests.benchmarks.doctor.rewritable import WIDE, halve, kinds, numbers, shared, view_of


def test_elements_of_unknown_shape_are_not_batched_first():
    ragged = numbers().map(lambda each: tf.range(each)).map(halve)
    assert kinds(vectorised_rewrites, ragged.padded_batch(4)) == []
    unknown = tf.data.Dataset.from_generator(
        lambda: iter([[1.0]]), output_signature=tf.TensorSpec([None])
    )
    assert kinds(vectorised_rewrites, unknown.map(halve).batch(1)) == []


def test_a_chain_that_can_not_be_vectorised_is_an_error():
    def words(value):
        return tf.strings.length(tf.strings.reduce_join(tf.strings.as_string([value])))

    view = view_of(numbers().map(words).batch(4))
    for rewrite in vectorised_rewrites.find(view):
        changed, made = catalogue.apply(view.pipeline, [rewrite])
        assert not made or proof.compare(view.pipeline, changed).holds


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (numbers().batch(5).map(shared).unbatch().batch(20), "the last batch is smaller"),
        (numbers().batch(4).map(shared).unbatch().batch(18), "it would be cut"),
        (numbers().batch(4).map(shared).unbatch().batch(4), "it is no larger"),
        (
            numbers().filter(lambda each: each > 5).batch(4).map(shared).unbatch().batch(8),
            "nothing tells where it ends",
        ),
    ],
)
def test_small_batches_stay_where_they_could_be_others(dataset, reason):
    assert "vectorise" not in kinds(vectorised_rewrites, dataset), reason


@pytest.mark.parametrize("rows", [lambda x: x[1:], lambda x: tf.boolean_mask(x, x > 3)])
def test_functions_that_give_other_numbers_of_rows_are_not_vectorised(rows):
    view = view_of(numbers().batch(4).map(rows).unbatch().batch(12))
    (rewrite, _) = vectorised_rewrites.find(view)
    with pytest.raises(graphs.GraphError):
        vectorised_rewrites.apply(view.pipeline, rewrite)


def test_equal_elements_are_equal_in_value_too():
    dataset = WIDE.map(halve).batch(7)
    view = view_of(dataset)
    changed, _ = catalogue.apply(view.pipeline, vectorised_rewrites.find(view)[:1])
    for old, new in zip(dataset, building.build(changed), strict=True):
        np.testing.assert_array_equal(old, new)


@tf.function
def helper(value):
    return tf.cast(value, tf.float32) / 3.0


def either(value):
    return tf.cond(value % 2 == 0, lambda: value * 3, lambda: -value)


def until_large(value):
    return tf.while_loop(lambda each: each < 1000, lambda each: (2 * each + 1,), [value])[0]


def looked_up(table):
    return lambda value: table.lookup(tf.strings.as_string(value % 10))


@pytest.fixture(scope="module")
def table():
    keys, values = tf.constant(["3", "4", "7"]), tf.constant([30, 40, 70], tf.int64)
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(keys, values), tf.constant(-1, tf.int64)
    )


@pytest.mark.parametrize("name", ["branches", "a loop", "a function", "a table"])
def test_functions_may_call_others_and_look_up_tables(name, table):
    function = {
        "branches": either,
        "a loop": until_large,
        "a function": helper,
        "a table": looked_up(table),
    }[name]
    dataset = numbers().map(function).batch(7)
    view = view_of(dataset)
    changed, made = catalogue.apply(view.pipeline, vectorised_rewrites.find(view))
    assert [each.kind for each in made] == ["vectorise"]
    assert proof.compare(view.pipeline, changed) == proof.Proof(7, True, "")


def test_rows_of_a_flat_map_that_does_more_than_slice_stay_elements(table):
    def sliced_twice(value):
        both = tf.data.Dataset.from_tensor_slices(tf.fill([3], value))
        return both.concatenate(both)

    def checked(value):
        tf.debugging.assert_less(value, tf.constant(50, tf.int64))
        return tf.data.Dataset.from_tensor_slices(tf.fill([3], value))

    def drawn(value):
        return tf.data.Dataset.from_tensor_slices(tf.random.uniform([3]) + float(1))

    def ragged(value):
        rows = tf.RaggedTensor.from_row_lengths(tf.range(value), [value])
        return tf.data.Dataset.from_tensor_slices(rows)

    for function in (sliced_twice, drawn, ragged):
        dataset = numbers().flat_map(function)
        batched = dataset.ragged_batch(4) if function is ragged else dataset.batch(4)
        assert not {"rebatch", "vectorise"} & set(kinds(vectorised_rewrites, batched))
    view = view_of(numbers().flat_map(checked).batch(4))
    for rewrite in vectorised_rewrites.find(view):
        changed = vectorised_rewrites.apply(view.pipeline, rewrite)
        assert proof.compare(view.pipeline, changed).holds


def test_rows_of_several_shapes_are_not_rebatched():
    def of_any_width(value):
        return tf.data.Dataset.from_tensor_slices(tf.zeros([2, value % 3]))

    batches = numbers().map(lambda each: tf.zeros([4, each % 3]))
    for dataset in (numbers().flat_map(of_any_width), batches.unbatch()):
        assert kinds(vectorised_rewrites, dataset.batch(4)) == []


def test_the_edit_keeps_what_a_flat_map_does():
    def rows(value):
        return tf.data.Dataset.from_tensor_slices(tf.fill([3], 2 * value))

    view = view_of(numbers().flat_map(rows).batch(4))
    (rewrite,) = vectorised_rewrites.find(view)
    assert rewrite.edit == (
        ".map(...) to what rows slices, and .rebatch(4) instead of .flat_map(rows).batch(4)"
    )
