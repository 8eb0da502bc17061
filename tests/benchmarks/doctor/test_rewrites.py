"""Every kind of rewrite on a pipeline that it is for: made, and proved to alter nothing."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import (
    cache_rewrites,
    catalogue,
    filter_rewrites,
    fusing_rewrites,
    order_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    proof,
    rewrites,
    scan_rewrites,
    vectorised_rewrites,
    window_rewrites,
)
from benchmarks.doctor.isolation import Alone
from tests.benchmarks.doctor.rewritable import (
    AUTO,
    WIDE,
    halve,
    is_small,
    is_wanted,
    kinds,
    numbers,
    opened,
    pair,
    python,
    running,
    shared,
    view_of,
    widen,
)


def rows_of(value):
    """As many rows as an element's number, of two tensors; none at first."""
    return tf.fill([value, 3], value), tf.range(value)


ROWS = tf.data.Dataset.from_tensor_slices(
    {
        "a": tf.strings.as_string(tf.range(30)),
        "b": np.arange(120, dtype=np.float32).reshape(30, 2, 2),
    }
)
SERIES = tf.data.Dataset.from_tensor_slices(np.arange(50, dtype=np.int16))
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
        ["RangeDataset", "ParallelMapDatasetV2"],
    ),
    "maps of elements in some order": (
        vectorised_rewrites,
        "vectorise",
        WIDE.shuffle(9, seed=2).map(halve, num_parallel_calls=AUTO).batch(7),
        ["RangeDataset", "ShuffleDatasetV3", "BatchDatasetV2", "ParallelMapDatasetV2"],
    ),
    "batches that are taken apart": (
        vectorised_rewrites,
        "rebatch",
        numbers().batch(5).unbatch().batch(7),
        ["RangeDataset", "BatchDatasetV2", "MapDataset", "RebatchDatasetV2"],
    ),
    "ragged batches that are taken apart": (
        vectorised_rewrites,
        "rebatch",
        numbers().map(tf.range).ragged_batch(5).unbatch().batch(7, drop_remainder=True),
        [
            "RangeDataset",
            *["MapDataset"] * 2,
            "BatchDatasetV2",
            "MapDataset",
            "RebatchDatasetV2",
        ],
    ),
    "rows that a flat map makes elements of": (
        vectorised_rewrites,
        "rebatch",
        numbers()
        .flat_map(lambda value: tf.data.Dataset.from_tensor_slices(rows_of(value)))
        .batch(7),
        ["RangeDataset", "MapDataset", "RebatchDatasetV2"],
    ),
    "maps of rows that a flat map makes elements of": (
        vectorised_rewrites,
        "vectorise",
        numbers()
        .flat_map(lambda value: tf.data.Dataset.from_tensor_slices(rows_of(value)))
        .map(lambda row, number: {"row": row * 2, "number": number})
        .batch(7, drop_remainder=True),
        [
            "RangeDataset",
            *["MapDataset", "RebatchDatasetV2", "ParallelMapDatasetV2"],
        ],
    ),
    "small batches that are taken apart after maps": (
        vectorised_rewrites,
        "vectorise",
        numbers().batch(4).map(shared).unbatch().batch(20),
        ["RangeDataset", "BatchDatasetV2", "ParallelMapDatasetV2"],
    ),
    "maps that are shuffled before a batch": (
        vectorised_rewrites,
        "vectorise",
        WIDE.map(halve).shuffle(16, seed=4).map(halve).repeat(2).skip(3).batch(7),
        [
            *["RangeDataset", "ShuffleDatasetV3", "RepeatDataset", "SkipDataset"],
            *["BatchDatasetV2", "ParallelMapDatasetV2"],
        ],
    ),
    "batches that are taken apart, and again": (
        vectorised_rewrites,
        "rebatch",
        numbers().batch(5).unbatch().repeat(3).batch(7),
        [
            *["RangeDataset", "BatchDatasetV2", "MapDataset"],
            *["RepeatDataset", "RebatchDatasetV2"],
        ],
    ),
    "batches that are taken apart for maps, and again": (
        vectorised_rewrites,
        "vectorise",
        numbers().batch(5).unbatch().repeat(3).map(widen).batch(7),
        [
            *["RangeDataset", "BatchDatasetV2", "MapDataset", "RepeatDataset"],
            *["RebatchDatasetV2", "ParallelMapDatasetV2"],
        ],
    ),
    "rows of arrays": (
        vectorised_rewrites,
        "gather rows",
        ROWS.shuffle(9, seed=1).repeat(2).batch(7, drop_remainder=True),
        [
            *["RangeDataset", "ShuffleDatasetV3", "RepeatDataset"],
            *["BatchDatasetV2", "ParallelMapDatasetV2"],
        ],
    ),
    "maps of rows of arrays": (
        vectorised_rewrites,
        "vectorise",
        ROWS.take(20).map(lambda row: {**row, "b": row["b"] * 2}).shard(3, 1).batch(4),
        ["RangeDataset", "ParallelMapDatasetV2"],
    ),
    "windows of arrays": (
        vectorised_rewrites,
        "vectorise",
        SERIES.window(6, shift=2, drop_remainder=True)
        .flat_map(lambda window: window.batch(6))
        .shuffle(4, seed=3)
        .map(lambda window: (window[:-1], window[-1]))
        .batch(5),
        [
            *["RangeDataset", "ShuffleDatasetV3"],
            *["BatchDatasetV2", "ParallelMapDatasetV2"],
        ],
    ),
    "windows of other rows": (
        window_rewrites,
        "windows by slicing",
        numbers()
        .map(pair)
        .window(6, shift=3, drop_remainder=True)
        .flat_map(
            lambda number, wide: tf.data.Dataset.zip((wide.batch(6), number.batch(6)))
        ),
        [
            *["RangeDataset", "MapDataset", "BatchDatasetV2", "ScanDataset"],
            *["ParallelMapDatasetV2", "UnbatchDataset"],
        ],
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
        filter_rewrites,
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
            "MapDataset",
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
    "work in a scan": (
        scan_rewrites,
        "map before scan",
        numbers().scan(0.0, lambda state, value: (state, tf.sort(widen(value)) + state)),
        ["RangeDataset", "ParallelMapDatasetV2", "ScanDataset"],
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


# The end, where a prefetch goes, is always there.
@pytest.mark.parametrize("name", [each for each in CASES if each != "no prefetch"])
def test_a_rewrite_whose_stages_are_gone_is_left_out(name):
    module, kind, dataset, _ = CASES[name]
    view = view_of(dataset)
    (rewrite, *_) = [each for each in module.find(view) if each.kind == kind]
    gone = dataclasses.replace(rewrite, tags=tuple(f"{tag}, gone" for tag in rewrite.tags))
    for changes in ([gone], [rewrite, gone]):
        _, made = catalogue.apply(view.pipeline, changes)
        assert gone not in made


def test_what_takes_batches_apart_is_changed_in_one_way_only():
    view = view_of(numbers().batch(5).unbatch().map(widen).batch(7).unbatch().batch(3))
    found = list(catalogue.find(view))
    assert {"vectorise", "rebatch"} <= {each.kind for each in found}
    changed, _ = catalogue.apply(view.pipeline, [*found, *found])
    assert proof.compare(view.pipeline, changed).holds


def test_a_predicate_that_looks_into_a_dataset_stays_as_it_is():
    other = tf.data.Dataset.range(9)
    dataset = numbers().filter(lambda each: each > other.take(1).get_single_element())
    view = view_of(dataset.repeat())
    for rewrite in catalogue.find(view):
        changed, made = catalogue.apply(view.pipeline, [rewrite])
        assert not made or proof.compare(view.pipeline, changed).holds


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


@pytest.mark.parametrize(
    ("dataset", "in_a_pass", "filling"),
    [
        (numbers().cache().batch(10).repeat(), 5, 5),
        (numbers().cache().batch(10), 0, 5),
        (numbers().batch(10).repeat(), 5, 0),
        (numbers().filter(lambda value: value > 3).cache(), 0, 44),
    ],
)
def test_elements_of_the_pass_that_fills_caches_are_known(dataset, in_a_pass, filling):
    view = view_of(dataset)
    assert view.pass_elements() == in_a_pass
    assert view.filling_elements() == filling
