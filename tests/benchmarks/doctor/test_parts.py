import pytest
import tensorflow as tf

from benchmarks.doctor import catalogue, graphs, parts
from tests.benchmarks.doctor.measured_views import double, measured

NUMBERS = tf.data.Dataset.range(10_000)


def run(dataset, kind, seconds=0.05):
    """The names of the stages that were run for a change, and its part."""
    view, _, isolated = measured(dataset)
    rewrite = next(each for each in catalogue.find(view) if each.kind == kind)
    part = parts.run(view, isolated, rewrite, seconds)
    return [view.node(tag).name for tag in part.tags], part


def heavy(value):
    noise = tf.random.stateless_uniform([50_000], (value, 1))
    return tf.reduce_sum(tf.sort(noise))


def test_what_comes_behind_a_change_is_run_with_it():
    dataset = NUMBERS.map(double, name="map").filter(lambda each: each > 4, name="filter")
    names, part = run(
        dataset.batch(10, name="batch").prefetch(1, name="ahead"), "parallel map"
    )
    assert names == ["RangeDataset", "map", "filter", "batch", "ahead"]
    assert part.timed.bytes == 80
    assert part.batching is None


def test_a_shuffle_is_run_if_it_is_soon_full():
    def of(function, size):
        mapped = NUMBERS.map(function, name="map").shuffle(size, name="mix")
        return run(mapped.map(double, name="last"), "parallel map")[0]

    assert of(double, 100) == ["RangeDataset", "map", "mix", "last"]
    assert of(heavy, 1000) == ["RangeDataset", "map"]


def test_stages_of_several_inputs_end_a_part():
    mapped = NUMBERS.map(double, name="map")
    dataset = tf.data.Dataset.zip(mapped, NUMBERS).batch(4, name="batch")
    assert run(dataset, "parallel map")[0] == ["RangeDataset", "map"]


def test_what_takes_from_a_cache_is_run_on_what_it_would_keep():
    dataset = tf.data.Dataset.range(64).cache(name="cache").map(heavy, name="heavy")
    names, part = run(dataset.repeat(name="repeat").batch(8, name="batch"), "cache later")
    assert names == ["cache", "heavy", "repeat", "batch"]
    # It is not done again: eight take more than ten milliseconds.
    assert part.timed.element_s < 5e-3


def test_small_elements_in_the_middle_are_taken_in_batches():
    dataset = NUMBERS.map(double, name="map").take(9000).batch(4)
    names, part = run(dataset, "parallel map")
    assert names == ["RangeDataset", "map"]
    assert part.timed.is_batched
    assert part.timed.elements % 128 == 0


def test_the_thread_that_batches_is_told_apart():
    dataset = NUMBERS.map(double).map(double).batch(100, name="batch").prefetch(1)
    _, part = run(dataset, "vectorise")
    assert 0 < part.batching.element_s <= part.timed.element_s
    assert 0 < part.batching.cpu_s <= part.timed.cpu_s


def test_options_concern_all_that_follows_the_source():
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    dataset = NUMBERS.map(double, name="map").batch(9, name="batch").with_options(options)
    assert run(dataset, "options")[0] == ["map", "batch", "OptionsDataset"]
    with pytest.raises(graphs.GraphError, match="not all"):
        run(NUMBERS.map(double).take(50).with_options(options), "options")


def test_a_change_that_cannot_be_made_is_an_error(monkeypatch):
    monkeypatch.setattr(catalogue, "apply", lambda pipeline, chosen: (pipeline, []))
    with pytest.raises(graphs.GraphError, match="can't be made"):
        run(NUMBERS.map(double), "parallel map")
