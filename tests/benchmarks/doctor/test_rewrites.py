"""Every kind of rewrite on a pipeline that it is for: made, and proved to alter nothing."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import (
    cache_rewrites,
    candidates,
    catalogue,
    costs,
    fusing_rewrites,
    graphs,
    order_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    proof,
    rewrites,
    setting_rewrites,
    tuning,
    vectorised_rewrites,
)
from benchmarks.doctor.isolation import Alone

AUTO = tf.data.AUTOTUNE


def widen(value):
    return tf.fill([64], tf.cast(value, tf.float32))


def halve(value):
    return value / 2


def is_small(value):
    return tf.reduce_sum(value) % 3 < 2


def pair(value):
    return value, widen(value)


def is_wanted(number, wide):
    del wide
    return number % 4 == 0


def is_wide(number, wide):
    del number
    return tf.reduce_sum(wide) > 100


def opened(start):
    return tf.data.Dataset.range(start, start + 7)


def running(total, value):
    return total + value, total + value


def random(value):
    return tf.cast(value, tf.float32) + tf.random.uniform([])


def python(value):
    return tf.py_function(lambda each: each, [value], tf.int64)


def shared(values):
    """Rows that each depend on all rows of their batch."""
    values = tf.cast(values, tf.float32)
    return values[:, None] - tf.reduce_mean(values), tf.reverse(values, [0])


def numbers():
    return tf.data.Dataset.range(48)


def view_of(dataset, alone=None):
    pipeline = graphs.read(dataset)
    nodes = tuple(pipeline.nodes)
    plain = Alone(element_s=1e-3, cpu_s=1e-3, bytes=256, inputs_per_output=1.0)
    known = {node.tag: alone or plain for node in nodes}
    elements = costs.elements(nodes, known, are_cached=True)
    return rewrites.View(pipeline, nodes, known, elements, cores=2)


def kinds(module, dataset):
    return [each.kind for each in module.find(view_of(dataset))]


WIDE = numbers().map(widen, name="widen")
CASES = {
    "a map": (
        parallel_rewrites,
        "parallel map",
        WIDE,
        ["RangeDataset", "ParallelMapDatasetV2"],
    ),
    "a map with one call": (
        parallel_rewrites,
        "parallel map",
        numbers().map(widen, num_parallel_calls=1),
        ["RangeDataset", "ParallelMapDatasetV2"],
    ),
    "a filter": (
        parallel_rewrites,
        "parallel filter",
        WIDE.filter(is_small),
        [
            "RangeDataset",
            "MapDataset",
            "ParallelMapDatasetV2",
            "FilterDataset",
            "ParallelMapDatasetV2",
        ],
    ),
    "a flat map": (
        parallel_rewrites,
        "parallel interleave",
        numbers().flat_map(opened),
        ["RangeDataset", "ParallelInterleaveDatasetV4"],
    ),
    "an interleave": (
        parallel_rewrites,
        "parallel interleave",
        numbers().interleave(opened, cycle_length=3, block_length=2),
        ["RangeDataset", "ParallelInterleaveDatasetV4"],
    ),
    "an interleave with one call": (
        parallel_rewrites,
        "parallel interleave",
        numbers().interleave(opened, cycle_length=4, num_parallel_calls=1),
        ["RangeDataset", "ParallelInterleaveDatasetV4"],
    ),
    "a batch": (
        parallel_rewrites,
        "parallel batch",
        numbers().batch(7),
        ["RangeDataset", "ParallelBatchDataset"],
    ),
    "maps before a batch": (
        vectorised_rewrites,
        "vectorise",
        WIDE.map(halve, num_parallel_calls=AUTO).batch(7),
        ["RangeDataset", "BatchDatasetV2", "ParallelMapDatasetV2"],
    ),
    "batches that are taken apart": (
        vectorised_rewrites,
        "rebatch",
        numbers().batch(5).unbatch().batch(7),
        ["RangeDataset", "BatchDatasetV2", *["MapDataset"] * 2, "RebatchDatasetV2"],
    ),
    "small batches that are taken apart after maps": (
        vectorised_rewrites,
        "vectorise",
        numbers().batch(4).map(shared).unbatch().batch(20),
        ["RangeDataset", "BatchDatasetV2", "ParallelMapDatasetV2"],
    ),
    "maps and no batch": (
        fusing_rewrites,
        "fuse maps",
        WIDE.map(halve, num_parallel_calls=AUTO).map(halve).prefetch(1),
        ["RangeDataset", "ParallelMapDatasetV2", "PrefetchDataset"],
    ),
    "a shuffle after maps": (
        order_rewrites,
        "shuffle earlier",
        WIDE.map(halve).shuffle(16, seed=4),
        ["RangeDataset", "ShuffleDatasetV3", "MapDataset", "MapDataset"],
    ),
    "a shard after a map": (
        order_rewrites,
        "shard earlier",
        WIDE.shard(3, 1),
        ["RangeDataset", "ShardDataset", "MapDataset"],
    ),
    "a skip after a map": (
        order_rewrites,
        "skip earlier",
        WIDE.skip(9),
        ["RangeDataset", "SkipDataset", "MapDataset"],
    ),
    "a filter that needs no map": (
        order_rewrites,
        "filter earlier",
        numbers().map(pair).filter(is_wanted),
        ["RangeDataset", "FilterDataset", "MapDataset"],
    ),
    "a cache before a map": (
        cache_rewrites,
        "cache later",
        numbers().cache().map(widen).map(halve).repeat(2),
        ["RangeDataset", "MapDataset", "MapDataset", "CacheDatasetV2", "RepeatDataset"],
    ),
    "a cache before a batch": (
        cache_rewrites,
        "cache batches",
        WIDE.cache().batch(7).repeat(2),
        ["RangeDataset", "MapDataset", "BatchDatasetV2", "CacheDatasetV2", "RepeatDataset"],
    ),
    "passes without a cache": (
        cache_rewrites,
        "cache",
        WIDE.batch(7).repeat(2),
        ["RangeDataset", "MapDataset", "BatchDatasetV2", "CacheDatasetV2", "RepeatDataset"],
    ),
    "batches that are taken apart for maps": (
        vectorised_rewrites,
        "vectorise",
        numbers().batch(5).unbatch().map(widen).batch(7),
        [
            "RangeDataset",
            "BatchDatasetV2",
            *["MapDataset"] * 2,
            "RebatchDatasetV2",
            "ParallelMapDatasetV2",
        ],
    ),
    "no prefetch": (
        prefetch_rewrites,
        "prefetch",
        WIDE,
        ["RangeDataset", "MapDataset", "PrefetchDataset"],
    ),
    "two stages in one thread": (
        prefetch_rewrites,
        "prefetch between",
        numbers().scan(np.int64(0), running).batch(3),
        ["RangeDataset", "PrefetchDataset", "ScanDataset", "BatchDatasetV2"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_rewrite_is_found_made_and_changes_no_element(name):
    module, kind, dataset, operations = CASES[name]
    view = view_of(dataset)
    (rewrite, *_) = [each for each in module.find(view) if each.kind == kind]
    changed = module.apply(view.pipeline, rewrite)
    assert [node.op for node in changed.nodes] == operations
    assert proof.compare(view.pipeline, changed) == proof.Proof(
        len(list(dataset)), True, ""
    )
    assert [node.op for node in view.pipeline.nodes] != operations or name in (
        "a map with one call",
        "an interleave with one call",
    ), "the original stays as it was"
    assert rewrite.reason
    assert rewrite.edit


@pytest.mark.parametrize("reshuffles", [True, False])
def test_a_shuffle_reshuffles_in_its_new_place_as_in_the_old(reshuffles):
    dataset = WIDE.shuffle(16, seed=4, reshuffle_each_iteration=reshuffles).repeat(3)
    view = view_of(dataset)
    (rewrite,) = order_rewrites.find(view)
    changed = order_rewrites.apply(view.pipeline, rewrite)
    assert proof.compare(view.pipeline, changed).holds


def test_numbers_of_calls_are_set():
    dataset = numbers().map(widen, num_parallel_calls=1)
    view = view_of(dataset)
    changed, made = catalogue.apply(view.pipeline, parallel_rewrites.find(view))
    assert len(made) == 1
    assert int(changed.constant(changed.nodes[-1].tag, "num_parallel_calls")) == 4


def test_what_waits_gets_more_calls_than_processors():
    waiting = Alone(element_s=10e-3, cpu_s=1e-3, bytes=8, inputs_per_output=1.0)
    assert rewrites.parallelism_for(waiting, cores=2) == 20
    idle = Alone(element_s=10e-3, cpu_s=0.0, bytes=8, inputs_per_output=1.0)
    assert rewrites.parallelism_for(idle, cores=2) == 64
    assert rewrites.parallelism_for(None, cores=2) == 4
    large = Alone(element_s=10e-3, cpu_s=0.0, bytes=100 << 20, inputs_per_output=1.0)
    assert rewrites.parallelism_for(large, cores=2) == 2


@pytest.fixture(scope="module")
def counting():
    counts = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)

    def count(value):
        counts.insert(value, value)
        return counts.lookup(value)

    return count


@pytest.mark.parametrize("name", ["counting", "python"])
def test_functions_with_a_state_or_python_are_left_alone(name, counting):
    function = {"counting": counting, "python": python}[name]
    dataset = numbers().map(function).shuffle(8, seed=1).batch(4)
    twice = dataset.map(function).map(function)
    assert kinds(fusing_rewrites, twice) == []
    assert not {"parallel map", "vectorise", "shuffle earlier"} & {
        kind
        for module in (parallel_rewrites, vectorised_rewrites, order_rewrites)
        for kind in kinds(module, dataset)
    }
    assert kinds(cache_rewrites, dataset.repeat(2)) in ([], ["cache"])


def test_maps_that_draw_random_numbers_could_be_parallel_if_their_author_wants():
    (rewrite,) = parallel_rewrites.find(view_of(numbers().map(random)))
    assert rewrite.kind == "parallel map"
    assert rewrite.alters
    changed = parallel_rewrites.apply(view_of(numbers().map(random)).pipeline, rewrite)
    assert [node.op for node in changed.nodes] == ["RangeDataset", "ParallelMapDatasetV2"]
    view = view_of(numbers().map(random))
    wanted = candidates.Candidate(rewrite, 9.0, ())
    assert tuning.combine(view, [wanted], seconds=1.0).rewrites == ()
    assert kinds(parallel_rewrites, numbers().map(random, num_parallel_calls=AUTO)) == []


def test_random_elements_are_never_kept():
    view = view_of(numbers().map(random).batch(4).repeat())
    found = cache_rewrites.find(view)
    assert all("#1" not in tag for each in found for tag in each.tags)


def test_each_branch_that_begins_anew_is_looked_at():
    kept = numbers().map(widen, name="kept").cache().repeat()
    anew = numbers().map(widen, name="anew").repeat(name="repeat")
    view = view_of(tf.data.Dataset.sample_from_datasets([kept, anew], seed=2))
    found = [each for each in cache_rewrites.find(view) if each.kind == "cache"]
    assert [view.node(each.tags[0]).name for each in found] == ["anew"]
    changed = cache_rewrites.apply(view.pipeline, found[0])
    assert proof.compare(view.pipeline, changed).holds


def test_a_cache_in_a_file_could_be_one_in_memory(tmp_path):
    view = view_of(WIDE.cache(str(tmp_path / "cache"), name="cache").batch(7).repeat(2))
    (rewrite,) = [each for each in cache_rewrites.find(view) if "memory" in each.kind]
    changed = cache_rewrites.apply(view.pipeline, rewrite)
    assert changed.constant(rewrite.tags[0], "filename").item() == b""
    assert proof.compare(view.pipeline, changed).holds
    assert not list(tmp_path.iterdir())
    # The author may want the file.
    wanted = candidates.Candidate(rewrite, 9.0, ())
    assert tuning.combine(view, [wanted], seconds=1.0).rewrites == ()


def test_a_filter_that_needs_the_map_stays_behind_it():
    assert "filter earlier" not in kinds(
        order_rewrites, numbers().map(pair).filter(is_wide)
    )


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


def test_maps_are_fused_as_far_as_one_follows_the_other():
    first = numbers().map(pair).filter(is_wanted)
    second = first.map(lambda number, wide: wide).map(halve).map(halve)
    other = tf.data.Dataset.zip(numbers().map(widen), numbers().map(widen).map(halve))
    assert [len(each.tags) for each in fusing_rewrites.find(view_of(second))] == [3]
    assert [len(each.tags) for each in fusing_rewrites.find(view_of(other))] == [2]


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


def test_options_that_hold_back_are_found_and_lifted():
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    dataset = WIDE.with_options(options).prefetch(1)
    view = view_of(dataset)
    (rewrite,) = [each for each in setting_rewrites.find(view) if each.kind == "options"]
    assert "autotune is off" in rewrite.reason
    assert "a pool of 1 threads for 2 processors" in rewrite.reason
    changed = setting_rewrites.apply(view.pipeline, rewrite)
    assert proof.compare(view.pipeline, changed).holds
    lifted = rewrites.options_of(
        rewrites.View(changed, tuple(changed.nodes), {}, {}, cores=2)
    )
    assert lifted.autotune.enabled
    assert lifted.threading.private_threadpool_size == 2
    assert lifted.threading.max_intra_op_parallelism is None, "it was not amiss"
    assert kinds(setting_rewrites, WIDE) == []


def test_stages_with_threads_of_their_own_need_no_prefetch_between():
    parallel = numbers().map(widen, num_parallel_calls=2).batch(3).prefetch(1)
    assert kinds(prefetch_rewrites, parallel) == []
    ahead = numbers().prefetch(1).scan(np.int64(0), running).prefetch(1).batch(3)
    assert kinds(prefetch_rewrites, ahead.prefetch(1)) == []


def test_an_order_that_costs_is_told_but_never_changed_by_itself():
    waiting = Alone(element_s=2e-3, cpu_s=1e-4, bytes=8, inputs_per_output=1.0)
    view = view_of(numbers().map(widen, num_parallel_calls=4).prefetch(1), waiting)
    (rewrite,) = setting_rewrites.find(view)
    assert rewrite.kind == "deterministic off"
    assert rewrite.alters == "the order of elements"
    changed = setting_rewrites.apply(view.pipeline, rewrite)
    found = sorted(float(each[0]) for each in graphs.build(changed))
    assert found == [float(number) for number in range(48)]
    candidate = candidates.Candidate(rewrite, 9.0, ())
    assert tuning.combine(view, [candidate], seconds=0.2).rewrites == ()


def test_all_at_once_change_no_element():
    dataset = (
        numbers()
        .map(pair, num_parallel_calls=1)
        .filter(is_wanted)
        .shuffle(8, seed=2)
        .map(lambda number, wide: (number, halve(wide)))
        .batch(3)
        .repeat(2)
    )
    view = view_of(dataset)
    found = list(catalogue.find(view))
    changed, made = catalogue.apply(view.pipeline, found)
    assert {"filter earlier", "vectorise", "prefetch"} <= {each.kind for each in made}
    assert proof.compare(view.pipeline, changed) == proof.Proof(8, True, "")


def test_large_data_is_not_kept():
    huge = Alone(element_s=1e-3, cpu_s=1e-3, bytes=1e12, inputs_per_output=1.0)
    assert cache_rewrites.find(view_of(WIDE.batch(7).repeat(2), huge)) == []
    assert cache_rewrites.find(view_of(numbers().repeat().map(widen))) == []


def test_equal_elements_are_equal_in_value_too():
    dataset = WIDE.map(halve).batch(7)
    view = view_of(dataset)
    changed, _ = catalogue.apply(view.pipeline, vectorised_rewrites.find(view)[:1])
    for old, new in zip(dataset, graphs.build(changed), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("dataset", "in_a_pass", "filling"),
    [
        (numbers().cache().batch(10).repeat(), 5, 5),
        (numbers().cache().batch(10), 0, 5),
        (numbers().batch(10).repeat(), 5, 0),
        (numbers().filter(lambda value: value > 3).cache(), 0, 0),
    ],
)
def test_elements_of_the_pass_that_fills_caches_are_known(dataset, in_a_pass, filling):
    view = view_of(dataset)
    assert view.pass_elements() == in_a_pass
    assert view.filling_elements() == filling
