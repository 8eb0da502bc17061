"""What users do with elements: decode, parse, augment, filter, wait."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

import dotmotion_tfds
from tests.benchmarks.doctor import sources

SMOOTHED = 8192
WEIGHTS = np.arange(1, 9, dtype=np.float32)
MAX_WORDS = 500


def decode_jpeg(path: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.ensure_shape(image, (sources.PICTURE_SIDE, sources.PICTURE_SIDE, 3))


def decode_jpeg_bytes(data: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_jpeg(data, channels=3)
    return tf.ensure_shape(image, (sources.PICTURE_SIDE, sources.PICTURE_SIDE, 3))


def decode_png(path: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_png(tf.io.read_file(path), channels=3)
    return tf.ensure_shape(image, (sources.PICTURE_SIDE, sources.PICTURE_SIDE, 3))


def decode_labelled(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {"image": decode_jpeg(example["path"]), "label": example["label"]}


def is_wanted(example: dict[str, tf.Tensor]) -> tf.Tensor:
    return tf.equal(example["label"], 3)


def is_put_aside(number: tf.Tensor, element: tf.Tensor) -> tf.Tensor:
    del element
    return tf.equal(number % 5, 0)


def without_number(number: tf.Tensor, element: tf.Tensor) -> tf.Tensor:
    del number
    return element


def decode_numbered(number: tf.Tensor, path: tf.Tensor) -> tf.Tensor:
    del number
    return decode_jpeg(path)


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
    wave, _ = tf.audio.decode_wav(tf.io.read_file(path), 1, sources.WAVE_SAMPLES)
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
    return tf.reshape(pixels, (sources.RECORD_SIDE, sources.RECORD_SIDE)), example["label"]


SMALL_FEATURES = {
    "features": tf.io.FixedLenFeature((16,), tf.float32),
    "label": tf.io.FixedLenFeature((), tf.int64),
}


def parse_small(record: tf.Tensor) -> dict[str, tf.Tensor]:
    return tf.io.parse_single_example(record, SMALL_FEATURES)


def parse_small_batch(records: tf.Tensor) -> dict[str, tf.Tensor]:
    return tf.io.parse_example(records, SMALL_FEATURES)


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


def loads(line: tf.Tensor) -> np.ndarray:
    return np.asarray(json.loads(line.numpy()), np.float32)


def parse_by_python(line: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.py_function(loads, [line], tf.float32), (2000,))


def sleep(number: tf.Tensor) -> tf.Tensor:
    time.sleep(0.004)
    return number


def fetch(number: tf.Tensor) -> tf.Tensor:
    """Waits as for a disk or a server that is far away."""
    return tf.ensure_shape(tf.py_function(sleep, [number], tf.int64), ())


def work(number: tf.Tensor) -> tf.Tensor:
    """A millisecond or two of a processor."""
    return tf.sort(tf.random.stateless_uniform((10_000,), tf.stack([number, number])))[:100]


def hard_numbers(number: int) -> np.ndarray:
    values = []
    state = number + 1
    for _ in range(64):
        for _ in range(20):
            state = (state * 1_103_515_245 + 12_345) % 2**31
        values.append(state / 2**31)
    return np.asarray(values, np.float32)


def generated_rows() -> Iterator[np.ndarray]:
    for number in itertools.count():
        yield hard_numbers(number)
