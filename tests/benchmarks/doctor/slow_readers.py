"""Pipelines whose time goes into reading, one file or one stage at a time.

Every stage that can have a name has one.
"""

from __future__ import annotations

import pathlib

import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def interleaved(
    folder: pathlib.Path, *, calls: int | None = None, ahead: int = 0
) -> case.MakeDataset:
    """Gzip files, four open at once, of which one at a time is read."""
    paths = sources.gzip_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths, 4000)
        dataset = dataset.interleave(
            element_functions.read_records,
            cycle_length=4,
            num_parallel_calls=calls,
            name="interleave",
        )
        dataset = dataset.map(
            element_functions.parse_picture, num_parallel_calls=AUTO, name="parse"
        )
        return case.taken_ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def flattened(folder: pathlib.Path, *, cycle: int = 0, ahead: int = 0) -> case.MakeDataset:
    """Gzip files, one after the other."""
    paths = sources.gzip_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths, 4000)
        if cycle:
            # A block of a whole file keeps the order.
            dataset = dataset.interleave(
                element_functions.read_records,
                cycle_length=cycle,
                block_length=sources.RECORDS_PER_FILE,
                num_parallel_calls=cycle,
                name="flat_map",
            )
        else:
            dataset = dataset.flat_map(element_functions.read_records, name="flat_map")
        dataset = dataset.map(
            element_functions.parse_picture, num_parallel_calls=AUTO, name="parse"
        )
        return case.taken_ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def scanned(folder: pathlib.Path, *, between: int = 0, ahead: int = 0) -> case.MakeDataset:
    """Two stages that can't be parallel, of which each waits for the other."""
    path = sources.gzip_records(folder)[0]

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.TFRecordDataset([path] * 4000, "GZIP", name="records")
        if between:
            dataset = dataset.prefetch(between, name="between")
        dataset = dataset.scan(
            tf.zeros((element_functions.SMOOTHED,)), element_functions.smooth, name="smooth"
        )
        return case.taken_ahead(dataset.batch(4, name="batch"), ahead)

    return make_dataset
