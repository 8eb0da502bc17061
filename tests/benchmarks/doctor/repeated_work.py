"""Pipelines that make the same elements in every pass.

Every stage that can have a name has one.
"""

from __future__ import annotations

import pathlib

import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def cached_bytes(
    folder: pathlib.Path, *, place: str = "read", ahead: int = 0
) -> case.MakeDataset:
    """Bytes are kept, and decoded in each pass."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths, 48)
        dataset = dataset.map(tf.io.read_file, num_parallel_calls=AUTO, name="read")
        if place == "read":
            dataset = dataset.cache(name="cache")
        dataset = dataset.map(
            element_functions.decode_jpeg_bytes, num_parallel_calls=AUTO, name="decode"
        )
        if place == "decode":
            dataset = dataset.cache(name="cache")
        dataset = dataset.batch(16, name="batch")
        if place == "batch":
            dataset = dataset.cache(name="cache")
        return case.taken_ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def cached_rows(
    folder: pathlib.Path, *, is_cached_in_batches: bool = False, ahead: int = 0
) -> case.MakeDataset:
    """Tiny elements are kept, and put into batches again in each pass."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.range(20_480, name="numbers")
        dataset = dataset.map(
            element_functions.features_of, num_parallel_calls=AUTO, name="features"
        )
        if not is_cached_in_batches:
            dataset = dataset.cache(name="cache")
        dataset = dataset.batch(512, name="batch")
        if is_cached_in_batches:
            dataset = dataset.cache(name="cache")
        return case.taken_ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def passes(
    folder: pathlib.Path,
    *,
    place: str = "",
    is_early: bool = True,
    skip: int = 0,
    ahead: int = 0,
) -> case.MakeDataset:
    """Passes over few pictures, all decoded in each."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths, 48)
        if skip and is_early:
            dataset = dataset.skip(skip, name="skip")
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=AUTO, name="decode"
        )
        if skip and not is_early:
            dataset = dataset.skip(skip, name="skip")
        if place == "decode":
            dataset = dataset.cache(name="cache")
        dataset = dataset.batch(8, name="batch")
        if place == "batch":
            dataset = dataset.cache(name="cache")
        return case.taken_ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def skipped_late(folder: pathlib.Path) -> case.MakeDataset:
    """Two thirds of the pictures are decoded in each pass and left out."""
    return passes(folder, is_early=False, skip=32)
