"""Filters that come before maps."""

import pytest
import tensorflow as tf

from benchmarks.doctor import building, filter_rewrites, graphs, order_rewrites, proof
from tests.benchmarks.doctor.rewritable import is_wide, kinds, numbers, pair, view_of, widen


def parsed_and_drawn(value):
    """A label, and a picture that takes more work."""
    return tf.strings.as_string(value % 3), tf.linalg.matmul(widen(value)[:, None], [[2.0]])


def is_first(label, picture):
    del picture
    return label == "0"


def is_third(number, value):
    del value
    return number % 3 == 2


def parsed(value):
    return value % 5, tf.strings.as_string(value)


def drawn(label, text):
    return label, tf.strings.length(text), text


def is_labelled(label, *rest):
    del rest
    return label == 1


def test_a_filter_that_needs_all_of_a_map_stays_behind_it():
    assert kinds(filter_rewrites, numbers().map(pair).filter(is_wide)) == []


def test_a_filter_goes_before_all_maps_that_hand_on_what_it_looks_at():
    dataset = numbers().map(parsed).map(drawn).map(lambda *each: each).filter(is_labelled)
    view = view_of(dataset)
    (rewrite,) = filter_rewrites.find(view)
    changed = filter_rewrites.apply(view.pipeline, rewrite)
    assert [node.op for node in changed.nodes] == [
        *["RangeDataset", "MapDataset", "FilterDataset", "MapDataset", "MapDataset"]
    ]
    assert proof.compare(view.pipeline, changed) == proof.Proof(10, True, "")


def test_a_filter_before_a_map_computes_only_what_it_looks_at():
    costly = tf.Variable(0)

    def labelled(value):
        with tf.control_dependencies([costly.assign_add(1)]):
            return value % 4, tf.identity(value)

    # What counts has a state, and stays where it is.
    counted = numbers().map(labelled).filter(lambda label, value: label == 1)
    assert kinds(filter_rewrites, counted) == []
    view = view_of(numbers().map(parsed_and_drawn).filter(is_first))
    (rewrite,) = filter_rewrites.find(view)
    changed = filter_rewrites.apply(view.pipeline, rewrite)
    (filtered,) = (node for node in changed.nodes if node.op == "FilterDataset")
    assert changed.node(filtered.inputs[0]).op == "RangeDataset"
    assert proof.compare(view.pipeline, changed) == proof.Proof(16, True, "")


@pytest.mark.parametrize("is_first_branch", [True, False])
def test_a_filter_by_what_stands_beside_goes_before_the_maps(is_first_branch):
    mapped = numbers().map(widen).map(lambda wide: (wide, wide * 2), num_parallel_calls=2)
    if is_first_branch:
        dataset = tf.data.Dataset.zip(mapped, numbers()).filter(
            lambda wide, number: number % 7 == 1
        )
    else:
        dataset = mapped.enumerate(5).filter(is_third)
    view = view_of(dataset.map(lambda *each: each[::-1]).batch(2))
    (rewrite,) = filter_rewrites.find(view)
    changed = filter_rewrites.apply(view.pipeline, rewrite)
    assert [node.op for node in changed.nodes][:4] == [
        *["RangeDataset"] * 2,
        *["ZipDataset", "FilterDataset"],
    ]
    assert proof.compare(view.pipeline, changed).is_whole
    assert proof.compare(view.pipeline, changed).holds


def test_of_two_branches_with_maps_one_is_changed():
    wide = numbers().map(parsed)
    view = view_of(tf.data.Dataset.zip(wide, wide).filter(lambda one, other: one[0] == 1))
    (rewrite,) = filter_rewrites.find(view)
    changed = filter_rewrites.apply(view.pipeline, rewrite)
    operations = [node.op for node in changed.nodes]
    assert operations[-2:] == ["FilterDataset", "ParallelMapDatasetV2"]
    assert operations.count("MapDataset") == 1
    assert proof.compare(view.pipeline, changed) == proof.Proof(10, True, "")


def test_a_filter_that_has_moved_already_is_an_error():
    view = view_of(numbers().map(parsed).map(drawn).skip(3).filter(is_labelled))
    assert filter_rewrites.find(view) == []
    near = view_of(numbers().map(parsed).map(drawn).filter(is_labelled))
    (rewrite,) = filter_rewrites.find(near)
    with pytest.raises((graphs.GraphError, KeyError)):
        filter_rewrites.apply(view.pipeline, rewrite)


def test_it_goes_with_stages_that_change_places():
    dataset = numbers().map(parsed).map(drawn).filter(is_labelled).shuffle(4, seed=2)
    view = view_of(dataset)
    (earlier,) = filter_rewrites.find(view)
    changed = filter_rewrites.apply(view.pipeline, earlier)
    again = view_of(building.build(changed))
    (shuffled,) = order_rewrites.find(again)
    assert proof.compare(
        view.pipeline, order_rewrites.apply(again.pipeline, shuffled)
    ).holds
