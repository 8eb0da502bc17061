import time

import pytest
import tensorflow as tf

from benchmarks.doctor import timing

NUMBERS = tf.data.Dataset.range(1_000_000)


def sleeping(value):
    def sleep(each):
        time.sleep(0.01)
        return each

    return tf.py_function(sleep, [value], tf.int64)


def test_a_rate_that_is_known_is_found():
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = NUMBERS.map(sleeping).with_options(options)
    timed = timing.measure(dataset, 0.5)
    assert 0.010 <= timed.element_s < 0.03
    assert timed.cpu_s < 0.007
    assert timed.bytes == 8


def test_the_first_element_is_not_part_of_the_rate():
    waited = []

    def slow_at_first(value):
        if not waited:
            waited.append(time.sleep(0.5))
        return value

    dataset = NUMBERS.map(lambda each: tf.py_function(slow_at_first, [each], tf.int64))
    timed = timing.measure(dataset, 0.2)
    assert timed.first_s >= 0.5
    assert timed.element_s < 0.05


def test_a_short_dataset_begins_anew():
    timed = timing.measure(tf.data.Dataset.range(3), 0.1)
    assert timed.passes > 1
    assert timed.elements > 3


def test_a_slow_start_is_no_part_of_what_an_element_takes_alone():
    def slow_at_first(value):
        def wait(each):
            time.sleep(0.4 if each == 0 else 0)
            return each

        return tf.py_function(wait, [value], tf.int64)

    timed = timing.measure_alone(NUMBERS.map(slow_at_first), 0.1)
    assert timed.first_s > 0.4
    assert timed.element_s < 0.1


def test_a_very_long_element_is_taken_once():
    taken = []

    def wait(each):
        taken.append(each)
        time.sleep(1.1)
        return each

    mapped = NUMBERS.map(lambda each: tf.py_function(wait, [each], tf.int64))
    assert timing.measure_alone(mapped, 0.1).element_s > 1
    assert len(taken) == 1


def test_a_dataset_without_elements_is_an_error():
    for measure in (timing.measure, timing.measure_alone):
        with pytest.raises(timing.EmptyError, match="has no elements"):
            measure(tf.data.Dataset.range(0), 0.1)


def test_the_first_pass_can_be_left_out():
    calls = []

    def counted(value):
        calls.append(value)
        time.sleep(0.002)
        return value

    mapped = tf.data.Dataset.range(100).map(
        lambda each: tf.py_function(counted, [each], tf.int64)
    )
    cached = mapped.cache().repeat()
    timed = timing.measure(cached, 0.1, warmup_s=0.05, warmup_elements=100)
    assert timed.element_s < 0.001
    assert len(calls) == 100


def test_small_elements_are_timed_in_batches():
    dataset = tf.data.Dataset.range(256).cache().repeat()
    assert timing.is_batchable(dataset)
    single = timing.measure_alone(dataset, 0.1)
    short = timing.measure_short(dataset, single, 0.1)
    assert short.is_batched
    assert short.element_s < single.element_s
    assert not timing.is_batchable(NUMBERS.batch(3))
    assert not timing.is_batchable(NUMBERS.window(3))


@pytest.mark.parametrize(
    ("tensor", "size"),
    [
        (tf.zeros([2, 3]), 24),
        (tf.zeros([0]), 0),
        (tf.constant("abcd"), 4),
        (tf.constant([["ab", ""], ["c", "d"]]), 4),
        (tf.constant(True), 1),
    ],
)
def test_sizes_are_in_bytes(tensor, size):
    assert timing.size(tensor) == size


def test_a_dataset_can_be_taken_once():
    dataset = tf.data.Dataset.range(5).map(lambda each: (each, -each))
    taken = [[int(part) for part in each] for each in timing.one_pass(dataset)]
    assert taken == [[number, -number] for number in range(5)]
    assert list(timing.one_pass(dataset.take(0))) == []


def test_time_is_told_while_something_works():
    told = []
    with timing.heartbeat(told.append):
        time.sleep(0.7)
    assert 0.4 < sum(told) < 3


def test_autotune_is_watched():
    dataset = NUMBERS.map(lambda each: each + 1, num_parallel_calls=tf.data.AUTOTUNE)
    timed = timing.measure(dataset, 0.3, watches_autotune=True)
    assert timed.converged_s is not None
    assert any("Map" in node.name for node in timed.model.nodes.values())
    assert timing.measure(dataset, 0.1).model is None
