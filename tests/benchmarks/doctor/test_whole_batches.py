"""Batches that functions of single elements are called with."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import (
    building,
    graphs,
    order_rewrites,
    proof,
    vectorised_rewrites,
    whole_batches,
)
from tests.benchmarks.doctor.rewritable import WIDE, halve, numbers, view_of

SHUFFLED = WIDE.map(halve).shuffle(8, seed=5).batch(6)


def first_found(dataset):
    view = view_of(dataset)
    return view.pipeline, vectorised_rewrites.find(view)[0]


def test_batches_are_of_what_comes_before_the_maps():
    pipeline, rewrite = first_found(SHUFFLED)
    batches = list(whole_batches.taken(pipeline, rewrite))
    assert [each.shape for (each,) in batches] == [(6,)] * 8
    assert sorted(np.concatenate([each for (each,) in batches])) == list(range(48))


def test_elements_may_be_given_in_place_of_those_that_come_before():
    some = numbers().filter(lambda each: each > 5)
    pipeline, rewrite = first_found(some.map(halve).batch(4, drop_remainder=True))
    given = tf.data.Dataset.range(100, 110)
    batches = [
        each.tolist()
        for each in whole_batches.taken(pipeline, rewrite, given).as_numpy_iterator()
    ]
    assert batches == [[100, 101, 102, 103], [104, 105, 106, 107]]


def test_stages_that_have_changed_places_are_taken_as_they_follow_now():
    pipeline, rewrite = first_found(SHUFFLED)
    for earlier in order_rewrites.find(view_of(SHUFFLED)):
        moved = order_rewrites.apply(pipeline, earlier)
        changed = vectorised_rewrites.apply(moved, rewrite)
        operations = [node.op for node in changed.nodes]
        assert operations.count("ShuffleDatasetV3") == 1
        assert proof.compare(pipeline, changed) == proof.Proof(8, True, "")


def test_stages_with_others_between_them_are_an_error():
    pipeline, rewrite = first_found(SHUFFLED)
    without = dataclasses.replace(rewrite, tags=(rewrite.tags[0], *rewrite.tags[2:]))
    with pytest.raises(graphs.GraphError, match="other stages"):
        whole_batches.taken(pipeline, without)


ROWS = tf.data.Dataset.from_tensor_slices({"x": np.eye(9, dtype=np.float32)})


@pytest.mark.parametrize(
    ("moved", "given"),
    [
        (lambda rows: rows.shuffle(9, seed=3), "their numbers"),
        (lambda rows: rows.skip(2), "their places"),
    ],
)
def test_rows_of_arrays_come_as_numbers(moved, given):
    dataset = moved(ROWS).map(lambda row: row["x"] * 3).batch(4)
    pipeline, rewrite = first_found(dataset)
    batches = whole_batches.taken(pipeline, rewrite)
    (spec,) = tf.nest.flatten(batches.element_spec)
    assert spec.shape.rank == (1 if given == "their numbers" else 0)
    made = dataclasses.replace(
        graphs.read(whole_batches.mapped(pipeline, rewrite, batches)),
        element_spec=pipeline.element_spec,
    )
    for one, other in zip(building.build(made), dataset, strict=True):
        np.testing.assert_array_equal(one, other)
