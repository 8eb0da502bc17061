"""Scans whose function is done in part by a map before them."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import building, catalogue, graphs, proof, scan_rewrites, traits
from tests.benchmarks.doctor.rewritable import kinds, numbers, python, view_of

WEIGHTS = np.linspace(0.5, 2.0, 300, dtype=np.float32)


def ranks(number):
    """Work that needs no state."""
    noise = tf.random.stateless_uniform([300], tf.stack([number, number]))
    return tf.sort(noise * WEIGHTS)


def mean(state, number):
    state = 0.9 * state + ranks(number)
    return state, state


def mean_and_more(state, element):
    """Two states, a component as it came, work that is handed on, and a constant."""
    total, seen = state
    found = ranks(element["number"])
    total = total + found[:3] * tf.cast(seen, tf.float32)
    return (total, seen + 1), {
        "total": total,
        "ranks": found,
        "label": element["label"],
        "seen": seen,
        "one": tf.constant(1),
    }


def alone(state, number):
    return state, ranks(number)


def by_turns(state, number):
    return 1 - state, tf.cond(state > 0, lambda: ranks(number)[:1], lambda: ranks(-number))


def labelled(number):
    return {"number": number, "label": tf.strings.as_string(number)}


SCANS = {
    "a mean": numbers().scan(tf.zeros([300]), mean),
    "several states and components": numbers()
    .map(labelled)
    .scan((tf.zeros([3]), 0), mean_and_more),
    "a state that nothing needs": numbers().scan(np.int64(3), alone),
    "a state of which the shape is found out": numbers().scan(
        tf.zeros([0]), lambda state, number: (tf.concat([state, ranks(number)[:1]], 0),) * 2
    ),
}


@pytest.mark.parametrize("name", SCANS)
def test_elements_and_their_order_stay(name):
    dataset = SCANS[name]
    for whole in (dataset, dataset.prefetch(2)):
        view = view_of(whole)
        (rewrite,) = scan_rewrites.find(view)
        changed = scan_rewrites.apply(view.pipeline, rewrite)
        operations = [node.op for node in changed.nodes]
        at = operations.index("ScanDataset")
        assert operations[at - 1] == "ParallelMapDatasetV2"
        assert proof.compare(view.pipeline, changed) == proof.Proof(48, True, "")
        assert changed.nodes[-1].name == view.nodes[-1].name


def test_the_scan_does_no_more_what_the_map_does():
    view = view_of(SCANS["a mean"])
    changed = scan_rewrites.apply(view.pipeline, scan_rewrites.find(view)[0])
    done = {node.op: traits.of(changed, node) for node in changed.nodes}
    assert "TopKV2" in done["ParallelMapDatasetV2"].operations
    assert "TopKV2" not in done["ScanDataset"].operations
    assert "TopKV2" in view.traits(view.nodes[-1]).operations


def test_an_element_that_was_kept_may_be_fed():
    view = view_of(SCANS["a mean"])
    changed, made = catalogue.apply(view.pipeline, scan_rewrites.find(view))
    assert made
    fed = building.build(
        changed, feeds={changed.nodes[0].tag: tf.data.Dataset.range(7, 10)}
    )
    expected = list(tf.data.Dataset.range(7, 10).scan(tf.zeros([300]), mean))
    for one, other in zip(fed, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("function", "initial", "reason"),
    [
        (lambda state, number: (state + number,) * 2, np.int64(0), "all needs the state"),
        (
            lambda state, number: (state + 2 * number - 1, number),
            np.int64(0),
            "what does not need it is no work",
        ),
        (
            lambda state, number: (state + python(number), python(number)),
            np.int64(0),
            "Python code may have a state",
        ),
        (
            lambda state, number: (state + tf.random.uniform([300]), ranks(number)),
            tf.zeros([300]),
            "random numbers come in order",
        ),
        (by_turns, np.int64(0), "the work is done only where the state says so"),
    ],
)
def test_other_scans_are_left_alone(function, initial, reason):
    assert kinds(scan_rewrites, numbers().scan(initial, function)) == [], reason


def test_what_is_checked_is_still_checked():
    def checked(state, number):
        tf.debugging.assert_less(number, np.int64(40), "too large")
        return state + 1, ranks(number)

    scanned = numbers().scan(np.int64(0), checked)
    assert kinds(scan_rewrites, scanned) == []
    split = scan_rewrites.split_of(graphs.read(scanned), view_of(scanned).nodes[-1])
    assert "Sort" in split.work or "TopKV2" in split.work


def test_a_scan_that_is_gone_is_an_error():
    view = view_of(SCANS["a mean"])
    (rewrite,) = scan_rewrites.find(view)
    with pytest.raises(KeyError):
        scan_rewrites.apply(graphs.read(numbers()), rewrite)
