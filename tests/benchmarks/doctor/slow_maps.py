"""Pipelines whose time goes into one map, or into a wait that nothing overlaps.

Every stage that can have a name has one.
"""

from __future__ import annotations

import pathlib

import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def jpegs(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Pictures that are decoded one at a time."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=calls, name="decode"
        )
        return case.taken_ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def augmented(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Augmentation of one picture at a time."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths).enumerate(name="enumerate")
        dataset = dataset.map(
            element_functions.augment, num_parallel_calls=calls, name="augment"
        )
        return case.taken_ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def texts(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Words are counted in one line at a time."""
    path = sources.text_file(folder / "sentences.txt", sources.sentences)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path)
        dataset = dataset.map(
            element_functions.count_words, num_parallel_calls=calls, name="count"
        )
        return case.taken_ahead(dataset.batch(32, name="batch"), ahead)

    return make_dataset


def json_lines(
    folder: pathlib.Path, *, calls: int = 1, is_vectorised: bool = False, ahead: int = 0
) -> case.MakeDataset:
    """JSON is parsed one line at a time."""
    path = sources.text_file(folder / "examples.json", sources.json_examples)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path)
        if is_vectorised:
            dataset = dataset.batch(64, name="batch")
            dataset = dataset.map(
                element_functions.parse_json_batch, num_parallel_calls=calls, name="parse"
            )
        else:
            dataset = dataset.map(
                element_functions.parse_json, num_parallel_calls=calls, name="parse"
            )
            dataset = dataset.batch(64, name="batch")
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def spectrograms(
    folder: pathlib.Path, *, calls: int = 1, ahead: int = 0
) -> case.MakeDataset:
    """A heavy map of one batch at a time."""
    paths = sources.waves(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        dataset = dataset.map(
            element_functions.read_wave, num_parallel_calls=AUTO, name="read"
        )
        dataset = dataset.batch(8, name="batch")
        dataset = dataset.map(
            element_functions.spectrogram, num_parallel_calls=calls, name="spectrogram"
        )
        return case.taken_ahead(dataset, ahead)

    return make_dataset


def zipped(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Pictures and labels, of which pictures are slow."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        images = sources.path_dataset(paths)
        images = images.map(
            element_functions.decode_jpeg, num_parallel_calls=calls, name="decode"
        )
        labels = sources.number_dataset().map(element_functions.label_of, name="label")
        dataset = tf.data.Dataset.zip((images, labels), name="pairs")
        return case.taken_ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def waits_beside_work(
    folder: pathlib.Path, *, calls: int = 1, ahead: int = 0
) -> case.MakeDataset:
    """One stage waits without a processor, another keeps one busy."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset()
        dataset = dataset.map(
            element_functions.fetch, num_parallel_calls=calls, name="fetch"
        )
        dataset = dataset.map(element_functions.work, num_parallel_calls=AUTO, name="work")
        return case.taken_ahead(dataset.batch(4, name="batch"), ahead)

    return make_dataset


def without_autotune(
    folder: pathlib.Path,
    *,
    calls: int | None = None,
    is_autotuned: bool = False,
    ahead: int = 0,
) -> case.MakeDataset:
    """AUTOTUNE is off, and with it what makes maps parallel by themselves."""
    paths = sources.pngs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        dataset = dataset.map(
            element_functions.decode_png, num_parallel_calls=calls, name="decode"
        )
        dataset = case.taken_ahead(dataset.batch(16, name="batch"), ahead)
        options = tf.data.Options()
        options.autotune.enabled = is_autotuned
        return dataset.with_options(options, name="options")

    return make_dataset


def in_one_thread(
    folder: pathlib.Path, *, threads: int = 1, calls: int = AUTO, ahead: int = 0
) -> case.MakeDataset:
    """A parallel map in a pool of one thread."""
    paths = sources.waves(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        dataset = dataset.map(
            element_functions.wave_spectrogram, num_parallel_calls=calls, name="spectrogram"
        )
        dataset = case.taken_ahead(dataset.batch(8, name="batch"), ahead)
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        return dataset.with_options(options, name="options")

    return make_dataset
