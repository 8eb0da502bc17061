"""Pipelines over real work that the doctor is tried on.

`CASES` each have one fault, which is known, and `FINE` have none. Every stage that can have
a name has one. Sources are far longer than any run, unless a case is about passes over few
data.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

import dotmotion_tfds

AUTO = tf.data.AUTOTUNE
ENDLESS = 1 << 40
LONG = 1 << 15
PICTURE_SIDE = 160
WAVE_SAMPLES = 16_000
RECORDS_PER_FILE = 16
RECORD_SIDE = 320
SMOOTHED = 8192
FRAME_SHAPE = (256, 256, 3)
WEIGHTS = np.arange(1, 9, dtype=np.float32)
MAX_WORDS = 500

MakeDataset = Callable[[], tf.data.Dataset]


def no_oracle(folder: pathlib.Path) -> list[MakeDataset]:
    """Nothing to compare with."""
    del folder
    return []


@dataclasses.dataclass(frozen=True)
class Case:
    """A pipeline, and what is known about it.

    Attributes:
      name: of the case.
      make: prepares files in a folder, the same each time and only if they are missing,
        and returns what makes the dataset; its elements are equal each time.
      culprit: names of stages of which any is right as the bottleneck; empty if it does
        not matter.
      kinds: prescriptions of which any is the cure; empty if nothing is to be prescribed.
      oracle: takes that folder and returns makers of datasets with equal elements in equal
        order, configured by hand; none if only the user can cure the fault.
      is_tunable: whether `tune` should come near the best of the oracle.
      fails_at: name of the stage whose function raises; empty if none does.
      is_repeatable: whether elements are the same each time.
    """

    name: str
    make: Callable[[pathlib.Path], MakeDataset]
    culprit: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    oracle: Callable[[pathlib.Path], list[MakeDataset]] = no_oracle
    is_tunable: bool = False
    fails_at: str = ""
    is_repeatable: bool = True


def _grid(
    make: Callable[..., MakeDataset], **choices: tuple[Any, ...]
) -> Callable[[pathlib.Path], list[MakeDataset]]:
    """An oracle: one pipeline with all combinations of options."""

    def oracle(folder: pathlib.Path) -> list[MakeDataset]:
        return [
            make(folder, **dict(zip(choices, values, strict=True)))
            for values in itertools.product(*choices.values())
        ]

    return oracle


def _ahead(dataset: tf.data.Dataset, elements: int) -> tf.data.Dataset:
    return dataset.prefetch(elements, name="ahead") if elements else dataset


# --- Files ----------------------------------------------------------------------------


def _files(
    folder: pathlib.Path, pattern: str, count: int, content: Callable[[int], bytes]
) -> list[str]:
    """Paths of `count` files, which are written if they are not there."""
    paths = [folder / pattern.format(number) for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.write_bytes(content(number))
    return [str(path) for path in paths]


def _picture(number: int) -> np.ndarray:
    """Waves and grain, uint8; pictures of odd numbers are bright."""
    rows, columns = np.mgrid[:PICTURE_SIDE, :PICTURE_SIDE]
    waves = 48 * np.sin((columns * (number % 5 + 1) + rows * 2) / 17)
    grain = np.random.default_rng(number).integers(-32, 32, (*rows.shape, 3))
    return ((170 if number % 2 else 85) + waves[..., np.newaxis] + grain).astype(np.uint8)


def write_jpegs(folder: pathlib.Path) -> list[str]:
    return _files(
        folder, "{}.jpg", 48, lambda number: tf.io.encode_jpeg(_picture(number)).numpy()
    )


def _pngs(folder: pathlib.Path) -> list[str]:
    return _files(
        folder, "{}.png", 48, lambda number: tf.io.encode_png(_picture(number)).numpy()
    )


def _wave(number: int) -> bytes:
    """A second of a rising tone."""
    times = np.arange(WAVE_SAMPLES) / WAVE_SAMPLES
    tone = np.sin(2 * np.pi * (200 + 20 * number + 400 * times) * times)
    return tf.audio.encode_wav(tone[:, np.newaxis].astype(np.float32), WAVE_SAMPLES).numpy()


def _waves(folder: pathlib.Path) -> list[str]:
    return _files(folder, "{}.wav", 16, _wave)


def _write_records(
    path: pathlib.Path, examples: list[dict[str, tf.train.Feature]], compression: str
) -> None:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for features in examples:
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _float_feature(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _gzip_records(folder: pathlib.Path) -> list[str]:
    """Four gzip files of raw pictures with few grey levels."""
    paths = [folder / f"{number}.tfrecord.gz" for number in range(4)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 16, (RECORDS_PER_FILE, RECORD_SIDE**2), np.uint8)
        examples = [
            {"pixels": _bytes_feature(row.tobytes()), "label": _int_feature(label)}
            for label, row in enumerate(pixels, start=100 * number)
        ]
        _write_records(path, examples, "GZIP")
    return [str(path) for path in paths]


def _small_records(folder: pathlib.Path) -> str:
    """A file of small examples."""
    path = folder / "small.tfrecord"
    if not path.exists():
        rows = np.random.default_rng(0).random((2048, 16), np.float32)
        examples = [
            {"features": _float_feature(row), "label": _int_feature(label)}
            for label, row in enumerate(rows)
        ]
        _write_records(path, examples, "")
    return str(path)


def _text_file(path: pathlib.Path, lines: Callable[[], list[str]]) -> str:
    if not path.exists():
        path.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
    return str(path)


def _sentences() -> list[str]:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(1000)]
    return [" ".join(rng.choice(words, 300)) for _ in range(256)]


def _table() -> list[str]:
    rng = np.random.default_rng(0)
    return [",".join(f"{value:.4f}" for value in row) for row in rng.random((4096, 8))]


def _json_rows() -> list[str]:
    rng = np.random.default_rng(0)
    return [json.dumps(np.round(row, 4).tolist()) for row in rng.random((128, 2000))]


def _json_examples() -> list[str]:
    rng = np.random.default_rng(0)
    return [
        json.dumps(
            {
                "features": {
                    "feature": {
                        "features": {"floatList": {"value": np.round(row, 4).tolist()}},
                        "label": {"int64List": {"value": [label]}},
                    }
                }
            }
        )
        for label, row in enumerate(rng.random((256, 16)))
    ]


def _frames(folder: pathlib.Path) -> str:
    """A file of raw frames, uint8."""
    path = folder / "frames.raw"
    if not path.exists():
        rng = np.random.default_rng(0)
        path.write_bytes(rng.integers(0, 256, (64, *FRAME_SHAPE), np.uint8).tobytes())
    return str(path)


# --- What users do with elements ------------------------------------------------------


def decode_jpeg(path: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.ensure_shape(image, (PICTURE_SIDE, PICTURE_SIDE, 3))


def decode_jpeg_bytes(data: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_jpeg(data, channels=3)
    return tf.ensure_shape(image, (PICTURE_SIDE, PICTURE_SIDE, 3))


def decode_png(path: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_png(tf.io.read_file(path), channels=3)
    return tf.ensure_shape(image, (PICTURE_SIDE, PICTURE_SIDE, 3))


def decode_labelled(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {"image": decode_jpeg(example["path"]), "label": example["label"]}


def is_wanted(example: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.equal(example["label"], 3)


def is_bright(data: tf.Tensor) -> tf.Tensor:
    image = tf.cast(tf.io.decode_png(data, channels=3), tf.float32)
    return tf.reduce_mean(image) > 127.0


def with_brightness(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return data, is_bright(data)


def is_marked(data: tf.Tensor, mark: tf.Tensor) -> tf.Tensor:
    del data
    return mark


def without_mark(data: tf.Tensor, mark: tf.Tensor) -> tf.Tensor:
    del mark
    return data


def augment(number: tf.Tensor, path: tf.Tensor) -> tf.Tensor:
    """A random crop of a picture, maybe mirrored, enlarged and standardised."""
    seed = tf.stack([number, tf.constant(7, tf.int64)])
    image = decode_jpeg(path)
    image = tf.image.stateless_random_crop(image, (96, 96, 3), seed)
    image = tf.image.stateless_random_flip_left_right(image, seed)
    image = tf.image.resize(image, (128, 128))
    return tf.image.per_image_standardization(image)


def read_wave(path: tf.Tensor) -> tf.Tensor:
    wave, _ = tf.audio.decode_wav(tf.io.read_file(path), 1, WAVE_SAMPLES)
    return wave[:, 0]


def spectrogram(waves: tf.Tensor) -> tf.Tensor:
    """Log magnitudes; for one wave or a batch of them."""
    return tf.math.log(tf.abs(tf.signal.stft(waves, 512, 64)) + 1e-6)


def wave_spectrogram(path: tf.Tensor) -> tf.Tensor:
    return spectrogram(read_wave(path))


def read_records(path: tf.Tensor) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(path, "GZIP", name="records")


def parse_picture(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    features = {
        "pixels": tf.io.FixedLenFeature((), tf.string),
        "label": tf.io.FixedLenFeature((), tf.int64),
    }
    example = tf.io.parse_single_example(record, features)
    pixels = tf.io.decode_raw(example["pixels"], tf.uint8)
    return tf.reshape(pixels, (RECORD_SIDE, RECORD_SIDE)), example["label"]


_SMALL_FEATURES = {
    "features": tf.io.FixedLenFeature((16,), tf.float32),
    "label": tf.io.FixedLenFeature((), tf.int64),
}


def parse_small(record: tf.Tensor) -> dict[str, tf.Tensor]:
    return tf.io.parse_single_example(record, _SMALL_FEATURES)


def parse_small_batch(records: tf.Tensor) -> dict[str, tf.Tensor]:
    return tf.io.parse_example(records, _SMALL_FEATURES)


def parse_json(line: tf.Tensor) -> dict[str, tf.Tensor]:
    return parse_small(tf.io.decode_json_example(line))


def parse_json_batch(lines: tf.Tensor) -> dict[str, tf.Tensor]:
    return parse_small_batch(tf.io.decode_json_example(lines))


def parse_row(line: tf.Tensor) -> tf.Tensor:
    """The numbers of a line of a table; also of a batch of lines."""
    return tf.stack(tf.io.decode_csv(line, [0.0] * 8), axis=-1)


def count_words(line: tf.Tensor) -> tf.Tensor:
    words = tf.strings.split(tf.strings.lower(line))
    hashes = tf.strings.to_hash_bucket_fast(words, MAX_WORDS)
    return tf.math.bincount(
        tf.cast(hashes, tf.int32), minlength=MAX_WORDS, maxlength=MAX_WORDS
    )


def features_of(number: tf.Tensor) -> tf.Tensor:
    """Eight numbers; also for a vector of numbers."""
    return tf.cast(number % 1000, tf.float32)[..., tf.newaxis] * WEIGHTS


def halve(values: tf.Tensor) -> tf.Tensor:
    return values * 0.5


def shift(values: tf.Tensor) -> tf.Tensor:
    return values - 3.0


def clip_values(values: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(values, -100.0, 2000.0)


def label_of(number: tf.Tensor) -> tf.Tensor:
    return number % 10


def unit_frame(record: tf.Tensor) -> tf.Tensor:
    """Bytes of a frame to numbers from 0 to 1; also of a batch of frames."""
    return tf.cast(tf.io.decode_raw(record, tf.uint8), tf.float32) / 255.0


def smooth(state: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A running mean of sorted pixels, which needs the record before."""
    pixels, _ = parse_picture(record)
    ranks = tf.sort(tf.cast(tf.reshape(pixels, (-1,))[:SMOOTHED], tf.float32))
    state = 0.9 * state + 0.1 * ranks
    return state, state


def clip_of(number: tf.Tensor) -> dict[str, tf.Tensor]:
    batch = dotmotion_tfds.clips(number[tf.newaxis])
    return {name: value[0] for name, value in batch.items()}


def clips_of(numbers: tf.Tensor) -> dict[str, tf.Tensor]:
    return dotmotion_tfds.clips(numbers)


def _loads(line: tf.Tensor) -> np.ndarray:
    return np.asarray(json.loads(line.numpy()), np.float32)


def parse_by_python(line: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.py_function(_loads, [line], tf.float32), (2000,))


def _sleep(number: tf.Tensor) -> tf.Tensor:
    time.sleep(0.004)
    return number


def fetch(number: tf.Tensor) -> tf.Tensor:
    """Waits as for a disk or a server that is far away."""
    return tf.ensure_shape(tf.py_function(_sleep, [number], tf.int64), ())


def work(number: tf.Tensor) -> tf.Tensor:
    """A millisecond or two of a processor."""
    return tf.sort(tf.random.stateless_uniform((10_000,), tf.stack([number, number])))[:100]


def _hard_numbers(number: int) -> np.ndarray:
    values = []
    state = number + 1
    for _ in range(64):
        for _ in range(20):
            state = (state * 1_103_515_245 + 12_345) % 2**31
        values.append(state / 2**31)
    return np.asarray(values, np.float32)


def generated_rows() -> Iterator[np.ndarray]:
    for number in itertools.count():
        yield _hard_numbers(number)


# --- Sources --------------------------------------------------------------------------


def number_dataset() -> tf.data.Dataset:
    return tf.data.Dataset.range(ENDLESS, name="numbers")


def path_dataset(paths: list[str], count: int = LONG) -> tf.data.Dataset:
    """Paths over and over, as one long list."""
    longer = list(itertools.islice(itertools.cycle(paths), count))
    return tf.data.Dataset.from_tensor_slices(longer, name="paths")


def _lines(path: str) -> tf.data.Dataset:
    return tf.data.TextLineDataset([path] * 1000, name="lines")


def _raw_frames(path: str) -> tf.data.Dataset:
    return tf.data.FixedLengthRecordDataset(
        [path] * 1000, int(np.prod(FRAME_SHAPE)), name="frames"
    )


# --- Pipelines with a fault; their options mend it -------------------------------------


def jpegs(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> MakeDataset:
    """Pictures that are decoded one at a time."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        dataset = dataset.map(decode_jpeg, num_parallel_calls=calls, name="decode")
        return _ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def augmented(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> MakeDataset:
    """Augmentation of one picture at a time."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths).enumerate(name="enumerate")
        dataset = dataset.map(augment, num_parallel_calls=calls, name="augment")
        return _ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def texts(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> MakeDataset:
    """Words are counted in one line at a time."""
    path = _text_file(folder / "sentences.txt", _sentences)

    def make_dataset() -> tf.data.Dataset:
        dataset = _lines(path)
        dataset = dataset.map(count_words, num_parallel_calls=calls, name="count")
        return _ahead(dataset.batch(32, name="batch"), ahead)

    return make_dataset


def json_lines(
    folder: pathlib.Path, *, calls: int = 1, is_vectorised: bool = False, ahead: int = 0
) -> MakeDataset:
    """JSON is parsed one line at a time."""
    path = _text_file(folder / "examples.json", _json_examples)

    def make_dataset() -> tf.data.Dataset:
        dataset = _lines(path)
        if is_vectorised:
            dataset = dataset.batch(64, name="batch")
            dataset = dataset.map(parse_json_batch, num_parallel_calls=calls, name="parse")
        else:
            dataset = dataset.map(parse_json, num_parallel_calls=calls, name="parse")
            dataset = dataset.batch(64, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def spectrograms(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> MakeDataset:
    """A heavy map of one batch at a time."""
    paths = _waves(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        dataset = dataset.map(read_wave, num_parallel_calls=AUTO, name="read")
        dataset = dataset.batch(8, name="batch")
        dataset = dataset.map(spectrogram, num_parallel_calls=calls, name="spectrogram")
        return _ahead(dataset, ahead)

    return make_dataset


def zipped(folder: pathlib.Path, *, calls: int = 1, ahead: int = 0) -> MakeDataset:
    """Pictures and labels, of which pictures are slow."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        images = path_dataset(paths)
        images = images.map(decode_jpeg, num_parallel_calls=calls, name="decode")
        labels = number_dataset().map(label_of, name="label")
        dataset = tf.data.Dataset.zip((images, labels), name="pairs")
        return _ahead(dataset.batch(16, name="batch"), ahead)

    return make_dataset


def tiny_maps(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Maps that cost less than calling them."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset()
        if is_vectorised:
            dataset = dataset.batch(1024, name="batch")
        dataset = dataset.map(features_of, num_parallel_calls=calls, name="features")
        dataset = dataset.map(halve, num_parallel_calls=calls, name="halve")
        dataset = dataset.map(shift, num_parallel_calls=calls, name="shift")
        dataset = dataset.map(clip_values, num_parallel_calls=calls, name="clip")
        if not is_vectorised:
            dataset = dataset.batch(1024, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def tables(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Lines of a table that are parsed before they are a batch."""
    path = _text_file(folder / "table.csv", _table)

    def make_dataset() -> tf.data.Dataset:
        dataset = _lines(path)
        if is_vectorised:
            dataset = dataset.batch(512, name="batch")
        dataset = dataset.map(parse_row, num_parallel_calls=calls, name="parse")
        if not is_vectorised:
            dataset = dataset.batch(512, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def small_examples(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Small examples that are parsed before they are a batch."""
    path = _small_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.TFRecordDataset([path] * 1000, name="records")
        if is_vectorised:
            dataset = dataset.batch(256, name="batch")
            dataset = dataset.map(parse_small_batch, num_parallel_calls=calls, name="parse")
        else:
            dataset = dataset.map(parse_small, num_parallel_calls=calls, name="parse")
            dataset = dataset.batch(256, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def single_clips(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Clips that are made one by one."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset()
        if is_vectorised:
            dataset = dataset.batch(64, name="batch")
            dataset = dataset.map(clips_of, num_parallel_calls=calls, name="clip")
        else:
            dataset = dataset.map(clip_of, num_parallel_calls=calls, name="clip")
            dataset = dataset.batch(64, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def float_frames(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Large frames become float32 before they are a batch."""
    path = _frames(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = _raw_frames(path)
        if is_vectorised:
            dataset = dataset.batch(16, name="batch")
        dataset = dataset.map(unit_frame, num_parallel_calls=calls, name="to_float")
        if not is_vectorised:
            dataset = dataset.batch(16, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def filtered_by_content(
    folder: pathlib.Path, *, calls: int = 0, has_option: bool = False, ahead: int = 0
) -> MakeDataset:
    """A heavy predicate, which `filter` calls for one element at a time."""
    paths = _pngs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        dataset = dataset.map(tf.io.read_file, num_parallel_calls=AUTO, name="read")
        if calls:
            dataset = dataset.map(with_brightness, num_parallel_calls=calls, name="mark")
            dataset = dataset.filter(is_marked, name="filter")
            dataset = dataset.map(without_mark, name="unmark")
        else:
            dataset = dataset.filter(is_bright, name="filter")
        dataset = _ahead(dataset.batch(8, name="batch"), ahead)
        if not has_option:
            return dataset
        options = tf.data.Options()
        options.experimental_optimization.filter_parallelization = True
        return dataset.with_options(options, name="options")

    return make_dataset


def filtered_variants(folder: pathlib.Path) -> list[MakeDataset]:
    """Both ways to call a predicate in parallel."""
    return [
        *_grid(filtered_by_content, calls=(2, 4), ahead=(1, 4))(folder),
        filtered_by_content(folder, has_option=True, ahead=4),
    ]


def filtered_late(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Seven of eight pictures are decoded only to be thrown away."""
    paths = write_jpegs(folder)
    longer = list(itertools.islice(itertools.cycle(paths), LONG))
    examples = {"path": longer, "label": np.arange(LONG) % 8}

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_tensor_slices(examples, name="examples")
        if is_early:
            dataset = dataset.filter(is_wanted, name="filter")
        dataset = dataset.map(decode_labelled, num_parallel_calls=calls, name="decode")
        if not is_early:
            dataset = dataset.filter(is_wanted, name="filter")
        return _ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def interleaved(
    folder: pathlib.Path, *, calls: int | None = None, ahead: int = 0
) -> MakeDataset:
    """Gzip files, four open at once, of which one at a time is read."""
    paths = _gzip_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 4000)
        dataset = dataset.interleave(
            read_records, cycle_length=4, num_parallel_calls=calls, name="interleave"
        )
        dataset = dataset.map(parse_picture, num_parallel_calls=AUTO, name="parse")
        return _ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def flattened(folder: pathlib.Path, *, cycle: int = 0, ahead: int = 0) -> MakeDataset:
    """Gzip files, one after the other."""
    paths = _gzip_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 4000)
        if cycle:
            # A block of a whole file keeps the order.
            dataset = dataset.interleave(
                read_records,
                cycle_length=cycle,
                block_length=RECORDS_PER_FILE,
                num_parallel_calls=cycle,
                name="flat_map",
            )
        else:
            dataset = dataset.flat_map(read_records, name="flat_map")
        dataset = dataset.map(parse_picture, num_parallel_calls=AUTO, name="parse")
        return _ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def scanned(folder: pathlib.Path, *, between: int = 0, ahead: int = 0) -> MakeDataset:
    """Two stages that can't be parallel, of which each waits for the other."""
    path = _gzip_records(folder)[0]

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.TFRecordDataset([path] * 4000, "GZIP", name="records")
        if between:
            dataset = dataset.prefetch(between, name="between")
        dataset = dataset.scan(tf.zeros((SMOOTHED,)), smooth, name="smooth")
        return _ahead(dataset.batch(4, name="batch"), ahead)

    return make_dataset


def without_autotune(
    folder: pathlib.Path,
    *,
    calls: int | None = None,
    is_autotuned: bool = False,
    ahead: int = 0,
) -> MakeDataset:
    """AUTOTUNE is off, and with it what makes maps parallel by themselves."""
    paths = _pngs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        dataset = dataset.map(decode_png, num_parallel_calls=calls, name="decode")
        dataset = _ahead(dataset.batch(16, name="batch"), ahead)
        options = tf.data.Options()
        options.autotune.enabled = is_autotuned
        return dataset.with_options(options, name="options")

    return make_dataset


def in_one_thread(
    folder: pathlib.Path, *, threads: int = 1, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """A parallel map in a pool of one thread."""
    paths = _waves(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        dataset = dataset.map(
            wave_spectrogram, num_parallel_calls=calls, name="spectrogram"
        )
        dataset = _ahead(dataset.batch(8, name="batch"), ahead)
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        return dataset.with_options(options, name="options")

    return make_dataset


def cached_bytes(
    folder: pathlib.Path, *, place: str = "read", ahead: int = 0
) -> MakeDataset:
    """Bytes are kept, and decoded in each pass."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 48)
        dataset = dataset.map(tf.io.read_file, num_parallel_calls=AUTO, name="read")
        if place == "read":
            dataset = dataset.cache(name="cache")
        dataset = dataset.map(decode_jpeg_bytes, num_parallel_calls=AUTO, name="decode")
        if place == "decode":
            dataset = dataset.cache(name="cache")
        dataset = dataset.batch(16, name="batch")
        if place == "batch":
            dataset = dataset.cache(name="cache")
        return _ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def cached_rows(
    folder: pathlib.Path, *, is_cached_in_batches: bool = False, ahead: int = 0
) -> MakeDataset:
    """Tiny elements are kept, and put into batches again in each pass."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.range(20_480, name="numbers")
        dataset = dataset.map(features_of, num_parallel_calls=AUTO, name="features")
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
) -> MakeDataset:
    """Passes over few pictures, all decoded in each."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 48)
        if skip and is_early:
            dataset = dataset.skip(skip, name="skip")
        dataset = dataset.map(decode_jpeg, num_parallel_calls=AUTO, name="decode")
        if skip and not is_early:
            dataset = dataset.skip(skip, name="skip")
        if place == "decode":
            dataset = dataset.cache(name="cache")
        dataset = dataset.batch(8, name="batch")
        if place == "batch":
            dataset = dataset.cache(name="cache")
        return _ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def skipped_late(folder: pathlib.Path) -> MakeDataset:
    """Two thirds of the pictures are decoded in each pass and left out."""
    return passes(folder, is_early=False, skip=32)


def sharded_late(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Each worker decodes what all workers need."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        if is_early:
            dataset = dataset.shard(4, 1, name="shard")
        dataset = dataset.map(decode_jpeg, num_parallel_calls=calls, name="decode")
        if not is_early:
            dataset = dataset.shard(4, 1, name="shard")
        return _ahead(dataset.batch(8, name="batch"), ahead)

    return make_dataset


def shuffled_late(
    folder: pathlib.Path, *, is_early: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """A small random part of each pass, for which a buffer of pictures is decoded."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths)
        if is_early:
            dataset = dataset.shuffle(256, seed=1, name="shuffle")
        dataset = dataset.map(decode_jpeg, num_parallel_calls=calls, name="decode")
        if not is_early:
            dataset = dataset.shuffle(256, seed=1, name="shuffle")
        dataset = dataset.batch(8, name="batch").take(16, name="take")
        return _ahead(dataset.repeat(name="repeat"), ahead)

    return make_dataset


def batched_twice(
    folder: pathlib.Path, *, is_direct: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Small batches are taken apart for larger ones."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().batch(512 if is_direct else 64, name="small_batch")
        dataset = dataset.map(features_of, num_parallel_calls=calls, name="features")
        if not is_direct:
            dataset = dataset.unbatch(name="unbatch").batch(512, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def rebatched(folder: pathlib.Path, *, ahead: int = 0) -> MakeDataset:
    """The same by `rebatch`."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().batch(64, name="small_batch")
        dataset = dataset.map(features_of, num_parallel_calls=AUTO, name="features")
        return _ahead(dataset.rebatch(512, name="rebatch"), ahead)

    return make_dataset


def rebatched_variants(folder: pathlib.Path) -> list[MakeDataset]:
    """Larger batches from the start, or made of small ones without taking them apart."""
    return [
        *_grid(batched_twice, is_direct=(True,), calls=(1, 2), ahead=(1, 4))(folder),
        rebatched(folder, ahead=4),
    ]


def taken_apart(
    folder: pathlib.Path, *, is_vectorised: bool = False, calls: int = AUTO, ahead: int = 0
) -> MakeDataset:
    """Large batches are taken apart for a tiny map."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset().batch(2048, name="large_batch")
        dataset = dataset.map(features_of, num_parallel_calls=calls, name="features")
        if is_vectorised:
            dataset = dataset.rebatch(512, name="rebatch")
            dataset = dataset.map(halve, num_parallel_calls=calls, name="halve")
        else:
            dataset = dataset.unbatch(name="unbatch")
            dataset = dataset.map(halve, num_parallel_calls=calls, name="halve")
            dataset = dataset.batch(512, name="batch")
        return _ahead(dataset, ahead)

    return make_dataset


def waits_beside_work(
    folder: pathlib.Path, *, calls: int = 1, ahead: int = 0
) -> MakeDataset:
    """One stage waits without a processor, another keeps one busy."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = number_dataset()
        dataset = dataset.map(fetch, num_parallel_calls=calls, name="fetch")
        dataset = dataset.map(work, num_parallel_calls=AUTO, name="work")
        return _ahead(dataset.batch(4, name="batch"), ahead)

    return make_dataset


def parsed_by_python(folder: pathlib.Path) -> MakeDataset:
    """A parser in Python, which holds its lock."""
    path = _text_file(folder / "rows.json", _json_rows)

    def make_dataset() -> tf.data.Dataset:
        dataset = _lines(path)
        dataset = dataset.map(parse_by_python, num_parallel_calls=AUTO, name="parse")
        return dataset.batch(32, name="batch").prefetch(4, name="ahead")

    return make_dataset


def generated(folder: pathlib.Path) -> MakeDataset:
    """Rows that Python makes."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        dataset = tf.data.Dataset.from_generator(
            generated_rows,
            output_signature=tf.TensorSpec((64,), tf.float32),
            name="generator",
        )
        dataset = dataset.batch(32, name="batch")
        dataset = dataset.map(halve, num_parallel_calls=AUTO, name="halve")
        return dataset.prefetch(4, name="ahead")

    return make_dataset


_CALLS: Mapping[str, tuple[Any, ...]] = {"calls": (1, 2, 4), "ahead": (1, 4)}
_VECTORISED: Mapping[str, tuple[Any, ...]] = {
    "is_vectorised": (True,),
    "calls": (1, 2, 4),
    "ahead": (1, 4),
}
_EARLY: Mapping[str, tuple[Any, ...]] = {
    "is_early": (True,),
    "calls": (1, 2, 4),
    "ahead": (1, 4),
}

CASES = (
    Case(
        "jpeg_decode_in_one_call",
        jpegs,
        frozenset({"decode"}),
        frozenset({"parallel map"}),
        _grid(jpegs, **_CALLS),
        is_tunable=True,
    ),
    Case(
        "augmentation_in_one_call",
        augmented,
        frozenset({"augment"}),
        frozenset({"parallel map"}),
        _grid(augmented, **_CALLS),
        is_tunable=True,
    ),
    Case(
        "words_counted_in_one_call",
        texts,
        frozenset({"count"}),
        frozenset({"parallel map"}),
        _grid(texts, **_CALLS),
        is_tunable=True,
    ),
    Case(
        "json_in_one_call",
        json_lines,
        frozenset({"parse"}),
        frozenset({"parallel map", "vectorise"}),
        _grid(json_lines, calls=(2, 4), is_vectorised=(False, True), ahead=(1, 4)),
        is_tunable=True,
    ),
    Case(
        "spectrogram_of_batches_in_one_call",
        spectrograms,
        frozenset({"spectrogram"}),
        frozenset({"parallel map"}),
        _grid(spectrograms, **_CALLS),
        is_tunable=True,
    ),
    Case(
        "zip_with_slow_branch",
        zipped,
        frozenset({"decode"}),
        frozenset({"parallel map"}),
        _grid(zipped, **_CALLS),
        is_tunable=True,
    ),
    Case(
        "tiny_maps_before_batch",
        tiny_maps,
        frozenset({"features", "halve", "shift", "clip", "batch"}),
        frozenset({"vectorise"}),
        _grid(tiny_maps, **_VECTORISED),
        is_tunable=True,
    ),
    Case(
        "csv_before_batch",
        tables,
        frozenset({"parse", "batch"}),
        frozenset({"vectorise"}),
        _grid(tables, **_VECTORISED),
        is_tunable=True,
    ),
    Case(
        "examples_parsed_before_batch",
        small_examples,
        frozenset({"parse", "batch"}),
        frozenset({"vectorise"}),
        _grid(small_examples, **_VECTORISED),
        is_tunable=True,
    ),
    Case(
        "clips_one_by_one",
        single_clips,
        frozenset({"clip"}),
        frozenset({"vectorise"}),
        _grid(single_clips, **_VECTORISED),
        is_tunable=True,
    ),
    Case(
        "float_before_batch",
        float_frames,
        frozenset({"to_float", "batch"}),
        frozenset({"vectorise", "uint8 until the device"}),
        _grid(float_frames, **_VECTORISED),
        is_tunable=True,
    ),
    Case(
        "heavy_filter",
        filtered_by_content,
        frozenset({"filter"}),
        frozenset({"parallel filter"}),
        filtered_variants,
        is_tunable=True,
    ),
    Case(
        "filter_after_heavy_map",
        filtered_late,
        frozenset({"decode", "filter"}),
        frozenset({"filter earlier"}),
        _grid(filtered_late, **_EARLY),
        is_tunable=True,
    ),
    Case(
        "sequential_interleave_of_gzip",
        interleaved,
        frozenset({"interleave", "records"}),
        frozenset({"parallel interleave"}),
        _grid(interleaved, **_CALLS),
        is_tunable=True,
    ),
    Case(
        "flat_map_of_gzip",
        flattened,
        frozenset({"flat_map", "records"}),
        frozenset({"parallel interleave"}),
        _grid(flattened, cycle=(1, 2, 4), ahead=(1, 4)),
        is_tunable=True,
    ),
    Case(
        "no_prefetch_between",
        scanned,
        frozenset({"records", "smooth"}),
        frozenset({"prefetch between", "parallel interleave"}),
        _grid(scanned, between=(1, 4, 16), ahead=(1, 4)),
        is_tunable=True,
    ),
    Case(
        "autotune_off",
        without_autotune,
        frozenset({"decode"}),
        frozenset({"options", "parallel map"}),
        _grid(without_autotune, calls=(2, 4), is_autotuned=(False, True), ahead=(1, 4)),
        is_tunable=True,
    ),
    Case(
        "pool_of_one_thread",
        in_one_thread,
        frozenset({"spectrogram", "options"}),
        frozenset({"options"}),
        _grid(in_one_thread, threads=(2, 4), calls=(2, 4), ahead=(1, 4)),
        is_tunable=True,
    ),
    Case(
        "cache_of_bytes",
        cached_bytes,
        frozenset({"decode"}),
        frozenset({"cache later"}),
        _grid(cached_bytes, place=("decode", "batch"), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    Case(
        "cache_before_batch",
        cached_rows,
        frozenset({"cache", "batch"}),
        frozenset({"cache batches"}),
        _grid(cached_rows, is_cached_in_batches=(True,), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    Case(
        "no_cache",
        passes,
        frozenset({"decode"}),
        frozenset({"cache", "cache batches"}),
        _grid(passes, place=("decode", "batch"), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    Case(
        "skip_after_heavy_map",
        skipped_late,
        frozenset({"decode", "skip"}),
        frozenset({"skip earlier", "cache", "cache batches"}),
        _grid(passes, skip=(32,), place=("", "decode", "batch"), ahead=(0, 1, 4)),
        is_tunable=True,
    ),
    Case(
        "shard_after_heavy_map",
        sharded_late,
        frozenset({"decode", "shard"}),
        frozenset({"shard earlier"}),
        _grid(sharded_late, **_EARLY),
        is_tunable=True,
    ),
    Case(
        "shuffle_of_pictures",
        shuffled_late,
        frozenset({"decode", "shuffle"}),
        frozenset({"shuffle earlier"}),
        _grid(shuffled_late, **_EARLY),
        is_tunable=True,
    ),
    Case(
        "batch_unbatch_batch",
        batched_twice,
        frozenset({"unbatch", "batch"}),
        frozenset({"rebatch"}),
        rebatched_variants,
        is_tunable=True,
    ),
    Case(
        "tiny_map_between_batches",
        taken_apart,
        frozenset({"unbatch", "halve", "batch"}),
        frozenset({"vectorise", "rebatch"}),
        _grid(taken_apart, **_VECTORISED),
        is_tunable=True,
    ),
    Case(
        "waits_beside_work",
        waits_beside_work,
        frozenset({"fetch"}),
        frozenset({"parallel map", "py_function"}),
        _grid(waits_beside_work, calls=(4, 16), ahead=(1, 4)),
    ),
    Case(
        "python_parser",
        parsed_by_python,
        frozenset({"parse"}),
        frozenset({"py_function"}),
    ),
    Case(
        "python_generator",
        generated,
        frozenset({"generator"}),
        frozenset({"from_generator"}),
    ),
)


# --- Pipelines without a fault ---------------------------------------------------------


def streamed(folder: pathlib.Path) -> MakeDataset:
    """Clips as this project streams them."""
    del folder

    def make_dataset() -> tf.data.Dataset:
        return dotmotion_tfds.stream("train", batch_size=64)

    return make_dataset


def vectorised_map(folder: pathlib.Path) -> MakeDataset:
    """One map of whole batches."""
    path = _text_file(folder / "table.csv", _table)

    def make_dataset() -> tf.data.Dataset:
        dataset = _lines(path).batch(512, name="batch")
        dataset = dataset.map(parse_row, num_parallel_calls=AUTO, name="parse")
        return dataset.prefetch(4, name="ahead")

    return make_dataset


def parallel_readers(folder: pathlib.Path) -> MakeDataset:
    """Files are read and records parsed in parallel."""
    paths = _gzip_records(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 4000)
        dataset = dataset.interleave(
            read_records, cycle_length=4, num_parallel_calls=AUTO, name="interleave"
        )
        dataset = dataset.map(parse_picture, num_parallel_calls=AUTO, name="parse")
        return dataset.batch(8, name="batch").prefetch(4, name="ahead")

    return make_dataset


def parallel_decoding(folder: pathlib.Path) -> MakeDataset:
    """Paths are shuffled, pictures decoded in parallel."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths).shuffle(1024, seed=1, name="shuffle")
        dataset = dataset.map(decode_jpeg, num_parallel_calls=AUTO, name="decode")
        return dataset.batch(16, name="batch").prefetch(4, name="ahead")

    return make_dataset


def cached_batches(folder: pathlib.Path) -> MakeDataset:
    """Batches of pictures are kept for all passes."""
    paths = write_jpegs(folder)

    def make_dataset() -> tf.data.Dataset:
        dataset = path_dataset(paths, 48)
        dataset = dataset.map(decode_jpeg, num_parallel_calls=AUTO, name="decode")
        dataset = dataset.batch(8, name="batch").cache(name="cache")
        return dataset.repeat(name="repeat").prefetch(4, name="ahead")

    return make_dataset


def batches_of_clips(folder: pathlib.Path) -> MakeDataset:
    """Clips, a batch in a call."""
    return single_clips(folder, is_vectorised=True, ahead=4)


FINE = (
    Case("stream_of_clips", streamed),
    Case("vectorised_map", vectorised_map),
    Case("parallel_readers", parallel_readers),
    Case("parallel_decoding", parallel_decoding),
    Case("cached_batches", cached_batches),
    Case("batches_of_clips", batches_of_clips),
)
