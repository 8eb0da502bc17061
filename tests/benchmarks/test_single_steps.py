import collections
import itertools

import pytest

from benchmarks import keras_steps, single_steps

NAMES = ("fast", "again")


@pytest.mark.parametrize("others", [[], ["stock"], ["stock", "other"]])
def test_a_pair_takes_its_turns_around_those_of_others(others):
    order = single_steps.order(NAMES, others, batch_size=32)
    assert [name for name in order if name not in NAMES] == others
    half = (len(order) - len(others)) // 2
    assert order[half : half + len(others)] == others
    counts = {order.count(name) for name in NAMES}
    assert len(counts) == 1
    before = collections.Counter(itertools.pairwise(order))
    assert abs(before["fast", "again"] - before["again", "fast"]) <= 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("train", {1: 160, 8: 80, 32: 20, 64: 8, 1024: 4}),
        ("infer", {1: 160, 8: 160, 32: 60, 64: 32, 1024: 4}),
    ],
)
def test_shorter_steps_have_more_turns(kind, expected):
    turns = {
        size: single_steps.order(NAMES, batch_size=size, kind=kind).count("fast")
        for size in expected
    }
    assert turns == expected


def test_ways_of_a_model_live_in_one_process_and_take_single_steps():
    timed = keras_steps.Step("train", "cnn_lstm", "fast", 3)
    one, again = single_steps.arms(dict.fromkeys(NAMES, timed), [], "group")
    assert (one.name, again.name) == NAMES
    assert one.home == again.home != ""
    assert one.is_renewed
    assert again.is_renewed
    assert one.arguments == again.arguments
    assert one.arguments[0].turn_seconds == 0
