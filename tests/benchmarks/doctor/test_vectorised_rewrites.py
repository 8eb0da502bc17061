"""Functions that are called with whole batches."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import catalogue, graphs, proof, vectorised_rewrites
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
    for old, new in zip(dataset, graphs.build(changed), strict=True):
        np.testing.assert_array_equal(old, new)
