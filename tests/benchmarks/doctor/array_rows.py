"""Pipelines of arrays that are in memory, whose rows become elements one by one.

Every stage that can have a name has one.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.benchmarks.doctor import case

AUTO = tf.data.AUTOTUNE
DIGITS = 10
STEPS, CHANNELS = 1 << 20, 8
WINDOW_STEPS, WINDOW_SHIFT = 48, 4
RIDES, HOURS = 1 << 18, 24


@functools.cache
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Small pictures with a digit each."""
    rng = np.random.default_rng(0)
    count = 16_384
    digits = rng.integers(0, DIGITS, count)
    return rng.integers(0, 256, (count, 28, 28), np.uint8), digits


@functools.cache
def series() -> np.ndarray:
    """Steps of a walk in eight channels."""
    steps = np.random.default_rng(0).standard_normal((STEPS, CHANNELS), np.float32)
    return np.cumsum(steps, axis=0, dtype=np.float32)


@functools.cache
def rides() -> dict[str, np.ndarray]:
    """What is known of rides: how far, and from which hour to which."""
    rng = np.random.default_rng(0)
    return {
        "kilometres": rng.gamma(2, 3, (RIDES, 4)).astype(np.float32),
        "hours": rng.integers(0, HOURS, (RIDES, 2)),
    }


def scaled(picture: tf.Tensor, digit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Pixels from 0 to 1, and a vector with a 1; also of a batch."""
    return tf.cast(picture, tf.float32) / 255.0, tf.one_hot(digit, DIGITS)


def shuffled_pictures(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """As most first examples feed pictures."""
    del folder
    arrays = pictures()

    def rows(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return scaled(*(tf.gather(array, numbers) for array in arrays))

    def make_dataset() -> tf.data.Dataset:
        if is_vectorised:
            dataset = tf.data.Dataset.range(len(arrays[0]), name="numbers")
        else:
            dataset = tf.data.Dataset.from_tensor_slices(arrays, name="rows")
        dataset = dataset.shuffle(4096, seed=1, name="shuffle").repeat(name="repeat")
        if is_vectorised:
            dataset = dataset.batch(256, name="batch")
            dataset = dataset.map(rows, num_parallel_calls=calls, name="scale")
        else:
            dataset = dataset.map(scaled, num_parallel_calls=calls, name="scale")
            dataset = dataset.batch(256, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def of_window(window: tf.data.Dataset) -> tf.data.Dataset:
    return window.batch(WINDOW_STEPS, drop_remainder=True)


def past_and_next(steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What a model is given, from its own mean, and what it is to say."""
    past = steps[..., :-1, :]
    return past - tf.reduce_mean(past, axis=-2, keepdims=True), steps[..., -1, 0]


def windows(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Windows of a series, each of which is a dataset that becomes a batch."""
    del folder
    steps = series()

    def at(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        within = tf.range(WINDOW_STEPS, dtype=tf.int64)
        return past_and_next(
            tf.gather(steps, WINDOW_SHIFT * numbers[:, tf.newaxis] + within)
        )

    def make_dataset() -> tf.data.Dataset:
        if is_vectorised:
            count = (len(steps) - WINDOW_STEPS) // WINDOW_SHIFT + 1
            dataset = tf.data.Dataset.range(count, name="numbers")
            dataset = dataset.batch(64, name="batch")
            dataset = dataset.map(at, num_parallel_calls=calls, name="split")
        else:
            dataset = tf.data.Dataset.from_tensor_slices(steps, name="steps")
            dataset = dataset.window(
                WINDOW_STEPS, WINDOW_SHIFT, drop_remainder=True, name="window"
            )
            dataset = dataset.flat_map(of_window, name="flat_map")
            dataset = dataset.map(past_and_next, num_parallel_calls=calls, name="split")
            dataset = dataset.batch(64, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def make_preprocess(shape: tuple[int | None, ...]) -> Callable[[dict[str, Any]], tf.Tensor]:
    """Layers of Keras for a row or a batch, with numbers of some shape."""
    import keras

    normalise = keras.layers.Normalization(mean=[6.0] * 4, variance=[18.0] * 4)
    # Built in a map, it would keep tensors of that map's graph.
    normalise.build(shape)
    encode = keras.layers.CategoryEncoding(num_tokens=HOURS, output_mode="multi_hot")

    def preprocess(ride: dict[str, Any]) -> tf.Tensor:
        return tf.concat([normalise(ride["kilometres"]), encode(ride["hours"])], axis=-1)

    return preprocess


def layers_of_rows(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """Layers that are called for each row, though they take batches."""
    del folder
    preprocess = make_preprocess((None, 4) if is_vectorised else (4,))

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_tensor_slices(rides(), name="rides")
        if is_vectorised:
            dataset = dataset.batch(256, name="batch")
        dataset = dataset.map(preprocess, num_parallel_calls=calls, name="preprocess")
        if not is_vectorised:
            dataset = dataset.batch(256, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset
