"""Pipelines over real work without a fault.

Every stage that can have a name has one.
"""

from __future__ import annotations

import pathlib

import tensorflow as tf

import dotmotion_tfds
from tests.benchmarks.doctor import (
    case,
    element_functions,
    single_elements,
    sources,
)

AUTO = tf.data.AUTOTUNE


def streamed(folder: pathlib.Path) -> case.MakeDataset:
    """Clips as this project streams them."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        return dotmotion_tfds.stream("train", batch_size=64)

    return make_dataset


def vectorised_map(folder: pathlib.Path) -> case.MakeDataset:
    """One map of whole batches."""
    path = sources.text_file(folder / "table.csv", sources.table)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path).batch(512, name="batch")
        dataset = dataset.map(
            element_functions.parse_row, num_parallel_calls=AUTO, name="parse"
        )
        return dataset.prefetch(4, name="ahead")

    return make_dataset


def parallel_readers(folder: pathlib.Path) -> case.MakeDataset:
    """Files are read and records parsed in parallel."""
    paths = sources.gzip_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths, 4000)
        dataset = dataset.interleave(
            element_functions.read_records,
            cycle_length=4,
            num_parallel_calls=AUTO,
            name="interleave",
        )
        dataset = dataset.map(
            element_functions.parse_picture, num_parallel_calls=AUTO, name="parse"
        )
        return dataset.batch(8, name="batch").prefetch(4, name="ahead")

    return make_dataset


def parallel_decoding(folder: pathlib.Path) -> case.MakeDataset:
    """Paths are shuffled, pictures decoded in parallel."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths).shuffle(1024, seed=1, name="shuffle")
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=AUTO, name="decode"
        )
        return dataset.batch(16, name="batch").prefetch(4, name="ahead")

    return make_dataset


def cached_batches(folder: pathlib.Path) -> case.MakeDataset:
    """Batches of pictures are kept for all passes."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths, 48)
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=AUTO, name="decode"
        )
        dataset = dataset.batch(8, name="batch").cache(name="cache")
        return dataset.repeat(name="repeat").prefetch(4, name="ahead")

    return make_dataset


def batches_of_clips(folder: pathlib.Path) -> case.MakeDataset:
    """Clips, a batch in a call."""
    return single_elements.single_clips(folder, is_vectorised=True, ahead=4)
