"""Pipelines over real work, each with a fault that its options mend.

Every stage that can have a name has one.
"""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import tensorflow as tf

from tests.benchmarks.doctor import case, element_functions, sources

AUTO = tf.data.AUTOTUNE


def _ahead(dataset: tf.data.Dataset, elements: int) -> tf.data.Dataset:
    return dataset.prefetch(elements, name="ahead") if elements else dataset


def jpegs(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Pictures that are decoded one at a time."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths)
        dataset = dataset.map(
            element_functions.decode_jpeg, num_parallel_calls=calls, name="decode"
        )
        return _ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def augmented(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Augmentation of one picture at a time."""
    paths = sources.write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.path_dataset(paths).enumerate(name="enumerate")
        dataset = dataset.map(
            element_functions.augment, num_parallel_calls=calls, name="augment"
        )
        return _ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def texts(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> case.MakeDataset:
    """Words are counted in one line at a time."""
    path = sources.text_file(folder / "sentences.txt", sources.sentences)

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.lines(path)
        dataset = dataset.map(
            element_functions.count_words, num_parallel_calls=calls, name="count"
        )
        return _ahead(dataset.batch(32, name="batch"), ahead)

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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset, ahead)

    return make_dataset


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
        dataset = _ahead(dataset.batch(8, name="batch"), ahead)
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
        return _ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


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
        return _ahead(dataset.batch(8, name="batch"), ahead)

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
        return _ahead(dataset.batch(8, name="batch"), ahead)

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
        return _ahead(dataset.batch(4, name="batch"), ahead)

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
        dataset = _ahead(dataset.batch(16, name="batch"), ahead)
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
        dataset = _ahead(dataset.batch(8, name="batch"), ahead)
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        return dataset.with_options(options, name="options")

    return make_dataset


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
        return _ahead(dataset.repeat(name="repeat"), ahead)

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
        return _ahead(dataset.repeat(name="repeat"), ahead)

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
        return _ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def skipped_late(folder: pathlib.Path) -> case.MakeDataset:
    """Two thirds of the pictures are decoded in each pass and left out."""
    return passes(folder, is_early=False, skip=32)


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
        return _ahead(dataset.batch(8, name="batch"), ahead)

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
        return _ahead(dataset.repeat(name="repeat"), ahead)

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
        return _ahead(dataset, ahead)

    return make_dataset


def rebatched(folder: pathlib.Path, *, ahead: int = 0) -> case.MakeDataset:
    """The same by `rebatch`."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = sources.number_dataset().batch(64, name="small_batch")
        dataset = dataset.map(
            element_functions.features_of, num_parallel_calls=AUTO, name="features"
        )
        return _ahead(dataset.rebatch(512, name="rebatch"), ahead)

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
        return _ahead(dataset, ahead)

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
        return _ahead(dataset.batch(4, name="batch"), ahead)

    return make_dataset


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
