import time

import pytest
import tensorflow as tf

from benchmarks.doctor import counting, graphs


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("records") / "23.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for number in range(23):
            writer.write(str(number))
    return tf.data.TFRecordDataset(path)


def count(dataset, **more):
    pipeline = graphs.read(dataset)
    return counting.elements(pipeline, pipeline.nodes[-1].tag, **more)


def slow(value):
    """Takes a hundredth of a second or more."""
    return tf.reduce_sum(tf.sort(tf.random.stateless_uniform([300_000], (3, 1)))), value


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda records: records, 23),
        (lambda records: records.batch(5), 5),
        (lambda records: records.batch(5, drop_remainder=True), 4),
        (lambda records: records.batch(5, num_parallel_calls=2).batch(2), 3),
        (lambda records: records.map(slow).shuffle(9).prefetch(2).batch(4), 6),
        (lambda records: records.cache().batch(23), 1),
        (lambda records: records.filter(lambda each: each == "7"), 1),
        (lambda records: records.filter(lambda each: each == "x"), 0),
        (lambda records: tf.data.Dataset.zip(records, records.skip(20)).batch(2), 2),
        (lambda records: records.repeat(), counting.UNKNOWN),
        (lambda records: tf.data.Dataset.range(9).batch(2), 5),
    ],
)
def test_elements_are_counted_where_the_runtime_can_not_tell(records, change, expected):
    assert count(change(records)) == expected


def test_what_maps_take_is_counted_and_not_what_they_make(records):
    many = records.repeat(100).map(slow)
    assert count(many.batch(100)) == 23


def test_counting_is_given_up_in_time():
    endless = tf.data.Dataset.range(1 << 40).filter(lambda each: each < 5)
    begin = time.perf_counter()
    assert count(endless, seconds=0.2) == counting.UNKNOWN
    assert time.perf_counter() - begin < 5


def test_what_runs_python_code_or_stores_something_is_not_run(records, tmp_path):
    calls = []

    def called(value):
        calls.append(value)
        return value

    def python(value):
        return tf.py_function(called, [value], tf.string)

    assert count(records.map(python).filter(lambda each: each != "3")) == counting.UNKNOWN
    stored = records.cache(str(tmp_path / "cache")).filter(lambda each: each != "3")
    assert count(stored) == counting.UNKNOWN
    assert not calls
    assert not list(tmp_path.iterdir())


def test_what_is_stored_within_a_function_is_not_run_either(records, tmp_path):
    def opened(number):
        return records.cache(str(tmp_path / "cache")).take(number)

    dataset = tf.data.Dataset.range(1, 3).flat_map(opened)
    assert count(dataset.filter(lambda each: each != "3")) == counting.UNKNOWN
    assert not list(tmp_path.iterdir())


def test_a_reader_is_counted_once_for_all_that_comes_behind_it(records):
    mapped = records.map(slow, name="map")
    pipeline = graphs.read(mapped.batch(5).batch(2))
    counted = {}
    # Of one file, and all records of it.
    expected = (1, 23, 23, 5, 3)
    found = [
        counting.elements(pipeline, node.tag, counted=counted) for node in pipeline.nodes
    ]
    assert tuple(found) == expected
    ((reader, _),) = counted.items()
    counted[reader] = 7
    last = pipeline.nodes[-1].tag
    assert counting.elements(pipeline, last, counted=counted) == 1
