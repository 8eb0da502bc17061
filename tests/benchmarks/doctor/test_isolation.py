import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import graphs, isolation, timing

NUMBERS = tf.data.Dataset.range(1_000_000)


def heavy(value):
    return tf.reduce_sum(tf.sort(tf.random.stateless_uniform([50_000], (value, 1))))


def of(dataset, seconds=2.0):
    pipeline = graphs.read(dataset)
    measured = isolation.measure(pipeline, seconds)
    return {node.name: measured.alone[node.tag] for node in pipeline.nodes}


def test_a_stage_costs_the_same_wherever_it_stands():
    first = of(NUMBERS.map(heavy, name="heavy").batch(4, name="batch"))
    second = of(NUMBERS.map(lambda each: each + 1).map(heavy, name="heavy"))
    assert first["heavy"].element_s > 5e-4
    # Wide, since other tests run at the same time.
    assert 1 / 3 < first["heavy"].element_s / second["heavy"].element_s < 3
    assert first["batch"].element_s < first["heavy"].element_s
    assert first["RangeDataset"].element_s < 1e-4


@pytest.mark.parametrize("calls", [1, 4])
def test_parallel_calls_do_not_count(calls):
    under_way, seen = 0, set()
    lock = threading.Lock()

    def wait(each):
        nonlocal under_way
        with lock:
            under_way += 1
            seen.add(under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1
        return each

    def waiting(value):
        return tf.py_function(wait, [value], tf.int64)

    found = of(NUMBERS.map(waiting, num_parallel_calls=calls, name="wait"))
    assert seen == {1}
    assert found["wait"].element_s > 0.009
    assert found["wait"].cpu_s < found["wait"].element_s


@pytest.mark.parametrize(
    ("dataset", "ratio"),
    [
        (NUMBERS.take(9).concatenate(NUMBERS), 1),
        (NUMBERS.map(heavy), 1),
        (NUMBERS.batch(7), 7),
        (NUMBERS.filter(lambda each: each % 4 == 0), 4),
        (NUMBERS.batch(5).unbatch(), 1 / 5),
        (NUMBERS.flat_map(lambda each: tf.data.Dataset.range(10)), 1 / 10),
        (NUMBERS.shard(3, 0), 3),
        (NUMBERS.shuffle(10), 1),
        (NUMBERS.window(4), 4),
        (NUMBERS.prefetch(3), 1),
    ],
)
def test_inputs_for_an_output_are_counted(dataset, ratio):
    pipeline = graphs.read(dataset)
    measured = isolation.measure(pipeline, 1.0)
    found = measured.alone[pipeline.nodes[-1].tag].inputs_per_output
    assert found == pytest.approx(ratio, rel=0.2)


def test_one_element_does_not_tell_how_many_a_filter_passes():
    def slow_at_first(value):
        def wait(each):
            time.sleep(0.05 if each == 0 else 0)
            return each

        return tf.ensure_shape(tf.py_function(wait, [value], tf.int64), [])

    pipeline = graphs.read(NUMBERS.filter(lambda each: each % 4 == 0))
    node = pipeline.nodes[-1]
    inputs = {node.inputs[0]: NUMBERS.take(600).map(slow_at_first)}
    # The first one passes, and takes more of this time than is needed.
    assert isolation._inputs_per_output(pipeline, node, inputs, 0.1) == 4


def test_elements_of_each_stage_are_kept():
    pipeline = graphs.read(NUMBERS.map(lambda each: each * 2, name="double").batch(3))
    kept = isolation.measure(pipeline, 0.5).kept
    (tag,) = (node.tag for node in pipeline.nodes if node.name == "double")
    assert [int(value) for (value,) in kept[tag].take(4)] == [0, 2, 4, 6]
    batch = next(iter(kept[pipeline.nodes[-1].tag]))
    np.testing.assert_array_equal(batch, [0, 2, 4])


def test_elements_that_are_kept_leave_the_runtime_as_it_is():
    calls = []

    def counted(value):
        calls.append(value)
        return value

    mapped = NUMBERS.map(lambda each: tf.py_function(counted, [each], tf.int64))
    pipeline = graphs.read(mapped)
    kept = isolation.measure(pipeline, 0.5).kept[pipeline.nodes[-1].tag]
    made = len(calls)
    timed = timing.measure(kept.repeat(), 0.3, watches_autotune=True)
    assert timed.model is not None, "AUTOTUNE is on"
    assert len(calls) == made, "nothing is made again"


def test_how_elements_get_into_a_batch_is_counted_once():
    found = of(NUMBERS.batch(4096, name="batch"))
    # A batch alone takes elements that are kept, which is no work of its own.
    assert found["batch"].element_s < 4096 * found["RangeDataset"].element_s


def test_what_is_skipped_is_not_kept():
    lines = tf.data.Dataset.from_tensor_slices(["number", "7", "8"])
    skipped = lines.skip(1, name="skip")
    pipeline = graphs.read(skipped.map(tf.strings.to_number, name="parse").batch(2))
    kept = isolation.measure(pipeline, 0.5).kept
    (tag,) = (node.tag for node in pipeline.nodes if node.name == "skip")
    assert [value.numpy() for (value,) in kept[tag]] == [b"7", b"8"]


def test_something_is_kept_though_all_that_is_known_is_skipped():
    pipeline = graphs.read(NUMBERS.skip(1 << 30, name="skip").batch(2))
    found = isolation.measure(pipeline, 0.5)
    assert set(found.alone) == {node.tag for node in pipeline.nodes}


def test_a_stage_that_fails_is_named():
    def failing(value):
        return tf.debugging.assert_equal(value, tf.constant(-1, tf.int64), "no good")

    def checked(value):
        with tf.control_dependencies([failing(value)]):
            return tf.identity(value)

    pipeline = graphs.read(NUMBERS.map(checked, name="check").batch(2))
    with pytest.raises(isolation.StageError, match="no good") as caught:
        isolation.measure(pipeline, 1.0)
    assert pipeline.node(caught.value.tag).name == "check"


def test_a_stage_that_gives_nothing_is_named():
    pipeline = graphs.read(
        tf.data.Dataset.range(50).filter(lambda each: each < 0, name="f")
    )
    with pytest.raises(timing.EmptyError, match="f gives nothing for 50 elements"):
        isolation.measure(pipeline, 1.0)


def test_a_source_of_one_element_costs_no_new_beginning():
    found = of(tf.data.Dataset.from_tensors([1, 2]).repeat().map(heavy_of_pair, name="m"))
    assert found["TensorDataset"].element_s < 2e-4


def heavy_of_pair(pair):
    return heavy(tf.cast(pair[0], tf.int64))


def test_a_file_cache_is_measured_elsewhere(tmp_path):
    path = str(tmp_path / "cache")
    found = of(tf.data.Dataset.range(20).cache(path))
    assert found["CacheDatasetV2"].element_s < 1e-3
    assert list(tmp_path.iterdir()) == []
