"""Pipelines that do for each element what one call would do for a batch.

Every stage that can have a name has one.
"""

from __future__ import annotations

import pathlib

import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def tiny_maps(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Maps that cost less than calling them."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset()
        if is_vectorised:
            dataset = dataset.batch(1024, name="batch")
        dataset = dataset.map(
            element_functions.features_of, num_parallel_calls=calls, name="features"
        )
        dataset = dataset.map(
            element_functions.halve, num_parallel_calls=calls, name="halve"
        )
        dataset = dataset.map(
            element_functions.shift, num_parallel_calls=calls, name="shift"
        )
        dataset = dataset.map(
            element_functions.clip_values, num_parallel_calls=calls, name="clip"
        )
        if not is_vectorised:
            dataset = dataset.batch(1024, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def tables(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Lines of a table that are parsed before they are a batch."""
    path = sources.text_file(folder / "table.csv", sources.table)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path)
        if is_vectorised:
            dataset = dataset.batch(512, name="batch")
        dataset = dataset.map(
            element_functions.parse_row, num_parallel_calls=calls, name="parse"
        )
        if not is_vectorised:
            dataset = dataset.batch(512, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def shuffled_tables(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Lines of a table that are parsed, shuffled and then a batch."""
    path = sources.text_file(folder / "table.csv", sources.table)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path)
        if is_vectorised:
            dataset = dataset.shuffle(2048, seed=1, name="shuffle")
            dataset = dataset.batch(512, name="batch")
        dataset = dataset.map(
            element_functions.parse_row, num_parallel_calls=calls, name="parse"
        )
        if not is_vectorised:
            dataset = dataset.shuffle(2048, seed=1, name="shuffle")
            dataset = dataset.batch(512, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def small_examples(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Small examples that are parsed before they are a batch."""
    path = sources.small_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.TFRecordDataset([path] * 1000, name="records")
        if is_vectorised:
            dataset = dataset.batch(256, name="batch")
            dataset = dataset.map(
                element_functions.parse_small_batch, num_parallel_calls=calls, name="parse"
            )
        else:
            dataset = dataset.map(
                element_functions.parse_small, num_parallel_calls=calls, name="parse"
            )
            dataset = dataset.batch(256, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def single_clips(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Clips that are made one by one."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset()
        if is_vectorised:
            dataset = dataset.batch(64, name="batch")
            dataset = dataset.map(
                element_functions.clips_of, num_parallel_calls=calls, name="clip"
            )
        else:
            dataset = dataset.map(
                element_functions.clip_of, num_parallel_calls=calls, name="clip"
            )
            dataset = dataset.batch(64, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def float_frames(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Large frames become float32 before they are a batch."""
    path = sources.frames(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.raw_frames(path)
        if is_vectorised:
            dataset = dataset.batch(16, name="batch")
        dataset = dataset.map(
            element_functions.unit_frame, num_parallel_calls=calls, name="to_float"
        )
        if not is_vectorised:
            dataset = dataset.batch(16, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def batched_twice(
    folder: pathlib.Path, *, is_direct: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Small batches are taken apart for larger ones."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset().batch(
            512 if is_direct else 64, name="small_batch"
        )
        dataset = dataset.map(
            element_functions.features_of, num_parallel_calls=calls, name="features"
        )
        if not is_direct:
            dataset = dataset.unbatch(name="unbatch").batch(512, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def rebatched(folder: pathlib.Path, *, ahead: int = 0) -> case.MakeDataset:
    """The same by `rebatch`."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset().batch(64, name="small_batch")
        dataset = dataset.map(
            element_functions.features_of, num_parallel_calls=AUTO, name="features"
        )
        return case.taken_ahead(dataset.rebatch(512, name="rebatch"), ahead)

    return make_dataset


def rebatched_variants(folder: pathlib.Path) -> list[case.MakeDataset]:
    """Larger batches from the start, or made of small ones without taking them apart."""
    return [
        *case.grid(batched_twice, is_direct=(True,), calls=(1, 2), ahead=(1, 4))(folder),
        rebatched(folder, ahead=4),
    ]


def taken_apart(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Large batches are taken apart for a tiny map."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset().batch(2048, name="large_batch")
        dataset = dataset.map(
            element_functions.features_of, num_parallel_calls=calls, name="features"
        )
        if is_vectorised:
            dataset = dataset.rebatch(512, name="rebatch")
            dataset = dataset.map(
                element_functions.halve, num_parallel_calls=calls, name="halve"
            )
        else:
            dataset = dataset.unbatch(name="unbatch")
            dataset = dataset.map(
                element_functions.halve, num_parallel_calls=calls, name="halve"
            )
            dataset = dataset.batch(512, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset
