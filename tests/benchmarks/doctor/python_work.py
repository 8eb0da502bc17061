"""Pipelines that run Python code for each element.

Every stage that can have a name has one.
"""

from __future__ import annotations

import pathlib

import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def parsed_by_python(folder: pathlib.Path) -> case.MakeDataset:
    """A parser in Python, which holds its lock."""
    path = sources.text_file(folder / "rows.json", sources.json_rows)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path)
        dataset = dataset.map(
            element_functions.parse_by_python, num_parallel_calls=AUTO, name="parse"
        )
        return dataset.batch(32, name="batch").prefetch(4, name="ahead")

    return make_dataset


def generated(folder: pathlib.Path) -> case.MakeDataset:
    """Rows that Python makes."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_generator(
            element_functions.generated_rows,
            output_signature=tf.TensorSpec((64,), tf.float32),
            name="generator",
        )
        dataset = dataset.batch(32, name="batch")
        dataset = dataset.map(
            element_functions.halve, num_parallel_calls=AUTO, name="halve"
        )
        return dataset.prefetch(4, name="ahead")

    return make_dataset
