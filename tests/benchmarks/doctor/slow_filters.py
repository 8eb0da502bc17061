"""Pipelines whose time goes into a predicate, or into what is thrown away.

Every stage that can have a name has one.
"""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def filtered_by_content(
    folder: pathlib.Path, *, calls: int = 0, has_option: bool = False, ahead: int = 0
) -> case.MakeDataset:
    """A heavy predicate, which `filter` calls for one element at a time."""
    paths = sources.pngs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        dataset = dataset.map(tf.io.read_file, num_parallel_calls=AUTO, name="read")
        if calls:
            dataset = dataset.map(
                element_functions.with_brightness, num_parallel_calls=calls, name="mark"
            )
            dataset = dataset.filter(element_functions.is_marked, name="filter")
            dataset = dataset.map(element_functions.without_mark, name="unmark")
        else:
            dataset = dataset.filter(element_functions.is_bright, name="filter")
        dataset = case.taken_ahead(dataset.batch(8, name="batch"), ahead)
        if not has_option:
            return dataset
        options = tf.data.Options()
        options.experimental_optimization.filter_parallelization = True
        return dataset.with_options(options, name="options")

    return make_dataset


def filtered_variants(folder: pathlib.Path) -> list[case.MakeDataset]:
    """Both ways to call a predicate in parallel."""
    return [
        *case.grid(filtered_by_content, calls=(2, 4), ahead=(1, 4))(folder),
        filtered_by_content(folder, has_option=True, ahead=4),
    ]


def filtered_late(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Seven of eight pictures are decoded only to be thrown away."""
    paths = sources.write_jpegs(folder)
    longer = list(itertools.islice(itertools.cycle(paths), sources.LONG))
    examples = {"path": longer, "label": np.arange(sources.LONG) % 8}

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_tensor_slices(examples, name="examples")
        if is_early:
            dataset = dataset.filter(element_functions.is_wanted, name="filter")
        dataset = dataset.map(
            element_functions.decode_labelled, num_parallel_calls=calls, name="decode"
        )
        if not is_early:
            dataset = dataset.filter(element_functions.is_wanted, name="filter")
        return case.taken_ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def numbered(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Pictures are decoded, and then one in five is put aside by its number."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        if is_early:
            dataset = dataset.enumerate(name="enumerate")
            dataset = dataset.filter(element_functions.is_put_aside, name="filter")
            dataset = dataset.map(
                element_functions.decode_numbered, num_parallel_calls=calls, name="decode"
            )
        else:
            dataset = dataset.map(
                element_functions.decode_jpeg, num_parallel_calls=calls, name="decode"
            )
            dataset = dataset.enumerate(name="enumerate")
            dataset = dataset.filter(element_functions.is_put_aside, name="filter")
            dataset = dataset.map(element_functions.without_number, name="forget")
        return case.taken_ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def sharded_late(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Each worker decodes what all workers need."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        if is_early:
            dataset = dataset.shard(4, 1, name="shard")
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=calls, name="decode"
        )
        if not is_early:
            dataset = dataset.shard(4, 1, name="shard")
        return case.taken_ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def shuffled_late(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """A small random part of each pass, for which a buffer of pictures is decoded."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        if is_early:
            dataset = dataset.shuffle(256, seed=1, name="shuffle")
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=calls, name="decode"
        )
        if not is_early:
            dataset = dataset.shuffle(256, seed=1, name="shuffle")
        dataset = dataset.batch(8, name="batch").take(16, name="take")
        return case.taken_ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset
