"""Pipelines that are odd or broken: an examination of them has to end well."""

from __future__ import annotations

import functools
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.benchmarks.doctor.case import Case, MakeDataset
from tests.benchmarks.doctor.element_functions import (
    augment,
    decode_jpeg,
    features_of,
    label_of,
)
from tests.benchmarks.doctor.sources import (
    ENDLESS,
    number_dataset,
    path_dataset,
    write_jpegs,
)

AUTO = tf.data.AUTOTUNE


def below_forty(number: tf.Tensor) -> tf.Tensor:
    tf.debugging.assert_less(number, tf.constant(40, tf.int64), "too large a number")
    return features_of(number)


def _below_thirty(number: tf.Tensor) -> tf.Tensor:
    if number >= 30:
        raise ValueError(f"number {int(number)} is bad")
    return number


def below_thirty(number: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.py_function(_below_thirty, [number], tf.int64), ())


def _sleep_at_first(number: tf.Tensor) -> tf.Tensor:
    if number == 0:
        time.sleep(3)
    return number


def slow_at_first(number: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.py_function(_sleep_at_first, [number], tf.int64), ())


def huge_of(number: tf.Tensor) -> tf.Tensor:
    return tf.fill((64 << 20,), tf.cast(number % 256, tf.uint8))


def ragged_of(number: tf.Tensor) -> tf.RaggedTensor:
    return tf.ragged.range(tf.range(number % 4 + 1))


def _any_values(number: np.ndarray) -> np.ndarray:
    return np.full(3, number, np.float32)


def shapeless_of(number: tf.Tensor) -> tf.Tensor:
    return tf.numpy_function(_any_values, [number], tf.float32)


@functools.cache
def word_table() -> tf.lookup.StaticHashTable:
    """Numbers of three words."""
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            ["0", "1", "2"], tf.constant([10, 11, 12], tf.int64)
        ),
        default_value=-1,
    )


def look_up(number: tf.Tensor) -> tf.Tensor:
    return word_table().lookup(tf.strings.as_string(number % 4))


@functools.cache
def offset() -> tf.Variable:
    """State that a function reads."""
    return tf.Variable(5, dtype=tf.int64)


def plus_offset(number: tf.Tensor) -> tf.Tensor:
    return number + offset()


def with_noise(number: tf.Tensor) -> tf.Tensor:
    return features_of(number) + tf.random.uniform((8,))


def sparse_of(number: tf.Tensor) -> tf.sparse.SparseTensor:
    return tf.sparse.from_dense(tf.one_hot(number % 10, 10))


def nested_of(number: tf.Tensor) -> dict[str, Any]:
    values = features_of(number)
    return {"pair": (number, {"values": values}), "text": tf.strings.as_string(number)}


def sum_of_nested(example: dict[str, Any]) -> tuple[Any, ...]:
    number, values = example["pair"]
    return (tf.reduce_sum(values["values"]), (number, example["text"]))


def sequence_of(number: tf.Tensor) -> tf.Tensor:
    return tf.range(number % 12)


def remainder(number: tf.Tensor) -> tf.Tensor:
    return number % 3


def batch_of_group(key: tf.Tensor, group: tf.data.Dataset) -> tf.data.Dataset:
    del key
    return group.batch(16, name="batch")


def batch_of_window(window: tf.data.Dataset) -> tf.data.Dataset:
    return window.batch(4, name="window_batch")


def running_sum(state: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return state + number, state


def is_small(number: tf.Tensor) -> tf.Tensor:
    return number < 3000


def _mapped(
    function: Callable[..., Any], batch: int = 32, count: int = ENDLESS
) -> Callable[[pathlib.Path], MakeDataset]:
    """A range, a map and batches."""

    def make(folder: pathlib.Path) -> MakeDataset:
        del folder

        def make_dataset() -> tf.data.Dataset:
            dataset = tf.data.Dataset.range(count, name="numbers")
            dataset = dataset.map(function, num_parallel_calls=AUTO, name="map")
            return dataset.batch(batch, name="batch") if batch else dataset

        return make_dataset

    return make


def infinite(folder: pathlib.Path) -> MakeDataset:
    """Passes without end."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 48).repeat(name="repeat").enumerate(name="enumerate")
        dataset = dataset.map(augment, num_parallel_calls=AUTO, name="augment")
        return dataset.batch(16, name="batch").prefetch(4, name="ahead")

    return make_dataset


def with_broken_file(folder: pathlib.Path) -> MakeDataset:
    """One picture is cut."""
    paths = write_jpegs(folder)
    broken = folder / "broken.jpg"
    broken.write_bytes(b"no picture")

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset([*paths, str(broken)])
        dataset = dataset.map(decode_jpeg, num_parallel_calls=AUTO, name="decode")
        return dataset.batch(8, name="batch")

    return make_dataset


def single(folder: pathlib.Path) -> MakeDataset:
    """One element."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_tensors(tf.constant(3, tf.int64), name="number")
        return dataset.map(features_of, num_parallel_calls=AUTO, name="map")

    return make_dataset


def with_table(folder: pathlib.Path) -> MakeDataset:
    """A function that looks into a table."""
    word_table()
    return _mapped(look_up)(folder)


def with_variable(folder: pathlib.Path) -> MakeDataset:
    """A function that reads a variable."""
    offset()
    return _mapped(plus_offset)(folder)


def nested(folder: pathlib.Path) -> MakeDataset:
    """Dictionaries of tuples of dictionaries."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().map(nested_of, num_parallel_calls=AUTO, name="nest")
        dataset = dataset.map(sum_of_nested, num_parallel_calls=AUTO, name="sum")
        return dataset.batch(32, name="batch")

    return make_dataset


def shuffled_by_one(folder: pathlib.Path) -> MakeDataset:
    """A shuffle that changes nothing."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().shuffle(1, seed=1, name="shuffle")
        dataset = dataset.map(features_of, num_parallel_calls=AUTO, name="map")
        return dataset.batch(32, name="batch")

    return make_dataset


def sampled(folder: pathlib.Path) -> MakeDataset:
    """Two branches, mixed at random."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        labels = number_dataset().map(label_of, num_parallel_calls=AUTO, name="label")
        dataset = tf.data.Dataset.sample_from_datasets(
            [number_dataset(), labels], [0.7, 0.3], seed=1
        )
        return dataset.batch(32, name="batch")

    return make_dataset


def chosen(folder: pathlib.Path) -> MakeDataset:
    """Three branches in turn."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        labels = number_dataset().map(label_of, num_parallel_calls=AUTO, name="label")
        turns = tf.data.Dataset.range(3, name="turns").repeat(name="repeat")
        dataset = tf.data.Dataset.choose_from_datasets(
            [number_dataset(), labels, number_dataset()], turns
        )
        return dataset.batch(32, name="batch")

    return make_dataset


def grouped(folder: pathlib.Path) -> MakeDataset:
    """Batches of numbers of one kind."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        return number_dataset().group_by_window(
            remainder, batch_of_group, window_size=16, name="group"
        )

    return make_dataset


def bucketed(folder: pathlib.Path) -> MakeDataset:
    """Batches of sequences of like length."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().map(
            sequence_of, num_parallel_calls=AUTO, name="sequence"
        )
        return dataset.bucket_by_sequence_length(
            tf.size, [4, 8], [16, 16, 16], name="bucket"
        )

    return make_dataset


def padded(folder: pathlib.Path) -> MakeDataset:
    """Batches of sequences of any length."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().map(
            sequence_of, num_parallel_calls=AUTO, name="sequence"
        )
        return dataset.padded_batch(16, name="batch")

    return make_dataset


def windowed(folder: pathlib.Path) -> MakeDataset:
    """Four numbers at a time, one further each time."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().window(4, shift=1, drop_remainder=True, name="window")
        dataset = dataset.flat_map(batch_of_window, name="flat_map")
        return dataset.batch(32, name="batch")

    return make_dataset


def chained(folder: pathlib.Path) -> MakeDataset:
    """Rare stages: one dataset after another, sums so far, an end by value."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.range(1000, name="first")
        dataset = dataset.concatenate(number_dataset(), name="concatenate")
        dataset = dataset.take_while(is_small, name="take_while").unique(name="unique")
        dataset = dataset.scan(tf.constant(0, tf.int64), running_sum, name="scan")
        return dataset.batch(32, name="batch")

    return make_dataset


HARD = (
    Case("infinite", infinite),
    Case("empty", _mapped(features_of, count=0)),
    Case("single_element", single),
    Case("failing_assertion", _mapped(below_forty, batch=8), fails_at="map"),
    Case("failing_decoder", with_broken_file, fails_at="decode"),
    Case("failing_python", _mapped(below_thirty, batch=8), fails_at="map"),
    Case("slow_to_start", _mapped(slow_at_first)),
    Case("huge_elements", _mapped(huge_of, batch=0)),
    Case("ragged", _mapped(ragged_of)),
    Case("unknown_shapes", _mapped(shapeless_of)),
    Case("padded_batches", padded),
    Case("table", with_table),
    Case("variable", with_variable),
    Case("random", _mapped(with_noise), is_repeatable=False),
    Case("sparse", _mapped(sparse_of)),
    Case("nested", nested),
    Case("shuffle_of_one", shuffled_by_one),
    Case("sample_from_datasets", sampled),
    Case("choose_from_datasets", chosen),
    Case("group_by_window", grouped),
    Case("bucket_by_sequence_length", bucketed),
    Case("windows", windowed),
    Case("rare_stages", chained),
)
