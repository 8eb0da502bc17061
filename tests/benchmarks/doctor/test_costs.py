import time

import pytest
import tensorflow as tf

from benchmarks.doctor import costs, graphs, rewrites, timing
from benchmarks.doctor.isolation import Alone

NUMBERS = tf.data.Dataset.range(1_000_000)
AUTO = tf.data.AUTOTUNE


def light(value):
    return value + 1


def python(value):
    return tf.py_function(lambda each: each, [value], tf.int64)


def known(pipeline, **ratios):
    return {
        node.tag: Alone(1e-3, 1e-3, 8, ratios.get(node.name, 1.0))
        for node in pipeline.nodes
    }


def view_of(dataset, **ratios):
    pipeline = graphs.read(dataset)
    alone = known(pipeline, **ratios)
    nodes = tuple(pipeline.nodes)
    elements = costs.elements(nodes, alone, are_cached=False)
    return rewrites.View(pipeline, nodes, alone, elements, cores=2)


def elements_by_name(dataset, *, are_cached=False, **ratios):
    pipeline = graphs.read(dataset)
    found = costs.elements(pipeline.nodes, known(pipeline, **ratios), are_cached=are_cached)
    return {node.name: found[node.tag] for node in pipeline.nodes}


def test_elements_are_counted_from_the_end():
    dataset = NUMBERS.map(light, name="m").filter(lambda each: each > 3, name="f")
    dataset = dataset.batch(8, name="b")
    found = elements_by_name(dataset, f=4.0, b=8.0)
    assert found == {"RangeDataset": 32, "m": 32, "f": 8, "b": 1}


def test_what_is_before_a_full_cache_does_nothing():
    dataset = NUMBERS.map(light, name="m").cache(name="c").batch(8, name="b")
    cold = elements_by_name(dataset, b=8.0)
    warm = elements_by_name(dataset, b=8.0, are_cached=True)
    assert (cold["m"], warm["m"], warm["c"]) == (8, 0, 8)


def test_zipped_branches_give_an_element_each_and_others_a_part():
    pair = tf.data.Dataset.zip((NUMBERS.map(light, name="a"), NUMBERS.map(light, name="b")))
    found = elements_by_name(pair)
    assert (found["a"], found["b"]) == (1, 1)
    mixed = tf.data.Dataset.sample_from_datasets(
        [NUMBERS.map(light, name="a"), NUMBERS.map(light, name="b")], seed=1
    )
    assert elements_by_name(mixed)["a"] == 0.5


def test_branches_that_are_chosen_count_as_often_as_they_were():
    choices = NUMBERS.map(lambda value: tf.cast(value % 4 == 0, tf.int64))
    mixed = tf.data.Dataset.choose_from_datasets(
        [NUMBERS.map(light, name="a"), NUMBERS.map(light, name="b")], choices
    )
    model = timing.measure(mixed, 0.2, watches_autotune=True).model
    pipeline = graphs.read(mixed)
    found = costs.elements(pipeline.nodes, known(pipeline), are_cached=False, model=model)
    of_branch = {node.name: found[node.tag] for node in pipeline.nodes}
    assert of_branch["MapDataset"] == 1
    assert of_branch["a"] == pytest.approx(0.75, rel=0.05)
    assert of_branch["a"] + of_branch["b"] == pytest.approx(1)


def test_elements_that_are_skipped_in_every_pass_count():
    dataset = tf.data.Dataset.range(40).map(light, name="m").skip(30).repeat()
    pipeline = graphs.read(dataset)
    alone = costs.with_passes(pipeline, known(pipeline))
    found = costs.elements(pipeline.nodes, alone, are_cached=False)
    assert found[next(node.tag for node in pipeline.nodes if node.name == "m")] == 4


def test_filters_have_the_ratio_of_a_real_run():
    dataset = NUMBERS.filter(lambda each: each % 5 == 0, name="f")
    model = timing.measure(dataset, 0.2, watches_autotune=True).model
    pipeline = graphs.read(dataset)
    found = costs.with_ratios(pipeline.nodes, known(pipeline, f=2.0), model)
    alone = found[pipeline.nodes[-1].tag]
    assert alone.inputs_per_output == pytest.approx(5, rel=0.05)
    assert alone.element_s == pytest.approx(2.5e-3, rel=0.05)


@pytest.mark.parametrize(
    ("dataset", "parallelism", "is_server"),
    [
        (NUMBERS.map(light), 2, True),
        (NUMBERS.map(light, num_parallel_calls=3), 3, True),
        (NUMBERS.map(light, num_parallel_calls=AUTO), 2, True),
        (NUMBERS.map(python), 0, False),
        (NUMBERS.filter(lambda each: each > 3), 0, False),
        (NUMBERS.prefetch(2), 0, True),
        (NUMBERS.batch(4, num_parallel_calls=2), 2, True),
    ],
)
def test_the_runtime_works_on_so_many_at_once(dataset, parallelism, is_server):
    last = costs.in_pipeline(view_of(dataset))[-1]
    assert (last.parallelism, last.is_server) == (parallelism, is_server)


def test_options_of_the_author_count():
    options = tf.data.Options()
    options.autotune.enabled = False
    view = view_of(NUMBERS.map(light).with_options(options))
    assert costs.in_pipeline(view)[1].parallelism == 0
    assert costs.in_pipeline(view, options=None)[1].parallelism == 2


def test_python_has_a_lock():
    view = view_of(NUMBERS.map(python, num_parallel_calls=4))
    assert costs.in_pipeline(view)[-1].has_lock


def test_processor_time_is_no_more_than_was_measured():
    every = costs.in_pipeline(view_of(NUMBERS.map(light)))
    assert sum(cost.cpu_s for cost in costs.scaled_to(every, 1e-3)) == pytest.approx(1e-3)
    assert costs.scaled_to(every, 1.0) == every


@pytest.mark.parametrize("way", ["zip", "sample"])
def test_branches_are_matched_with_their_own_part_of_the_runtimes_model(way):
    tenth, third = (
        tf.data.Dataset.range(1 << 40).filter(lambda value, of=of: value % of == 0)
        for of in (10, 3)
    )
    third = third.map(light, name="mapped")
    if way == "zip":
        dataset = tf.data.Dataset.zip(tenth, third)
    else:
        tenth = tenth.map(light)
        dataset = tf.data.Dataset.sample_from_datasets([tenth, third], [0.5, 0.5], seed=1)
    model = timing.measure(dataset.batch(8), 0.3, watches_autotune=True).model
    pipeline = graphs.read(dataset.batch(8))
    found = costs.chosen_parallelism(pipeline.nodes, model)
    ratios = [
        found[node.inputs[0]]["elements"] / found[node.tag]["elements"]
        for node in pipeline.nodes
        if node.op == "FilterDataset"
    ]
    assert ratios == pytest.approx([10, 3], rel=0.2)


def test_the_model_of_the_runtime_is_matched():
    def waiting(value):
        def wait(each):
            time.sleep(0.001)
            return each

        return tf.py_function(wait, [value], tf.int64)

    dataset = NUMBERS.map(waiting, num_parallel_calls=3, name="w").batch(2).prefetch(5)
    model = timing.measure(dataset, 0.3, watches_autotune=True).model
    pipeline = graphs.read(dataset)
    found = costs.chosen_parallelism(pipeline.nodes, model)
    by_name = {node.name: found.get(node.tag, {}) for node in pipeline.nodes}
    assert by_name["w"]["parallelism"] == 3
    assert by_name["PrefetchDataset"]["buffer_size"] == 5
    assert costs.chosen_parallelism(pipeline.nodes, None) == {}
