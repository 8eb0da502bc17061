"""Files of pictures, sound, text and records, and datasets of what is in them.

Files are written only if they are missing, with the same content each time. Sources are far
longer than any run, unless a case is about passes over few data.
"""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

ENDLESS = 1 << 40
LONG = 1 << 15
PICTURE_SIDE = 160
WAVE_SAMPLES = 16_000
RECORDS_PER_FILE = 16
RECORD_SIDE = 320
FRAME_SHAPE = (256, 256, 3)


def files(
    folder: pathlib.Path, pattern: str, count: int, content: Callable[[int], bytes]
) -> list[str]:
    """Paths of `count` files, which are written if they are not there."""
    paths = [folder / pattern.format(number) for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.write_bytes(content(number))
    return [str(path) for path in paths]


def picture(number: int) -> np.ndarray:
    """Waves and grain, uint8; pictures of odd numbers are bright."""
    rows, columns = np.mgrid[:PICTURE_SIDE, :PICTURE_SIDE]
    waves = 48 * np.sin((columns * (number % 5 + 1) + rows * 2) / 17)
    grain = np.random.default_rng(number).integers(-32, 32, (*rows.shape, 3))
    return ((170 if number % 2 else 85) + waves[..., np.newaxis] + grain).astype(np.uint8)


def write_jpegs(folder: pathlib.Path) -> list[str]:
    return files(
        folder, "{}.jpg", 48, lambda number: tf.io.encode_jpeg(picture(number)).numpy()
    )


def pngs(folder: pathlib.Path) -> list[str]:
    return files(
        folder, "{}.png", 48, lambda number: tf.io.encode_png(picture(number)).numpy()
    )


def wave(number: int) -> bytes:
    """A second of a rising tone."""
    times = np.arange(WAVE_SAMPLES) / WAVE_SAMPLES
    tone = np.sin(2 * np.pi * (200 + 20 * number + 400 * times) * times)
    return tf.audio.encode_wav(tone[:, np.newaxis].astype(np.float32), WAVE_SAMPLES).numpy()


def waves(folder: pathlib.Path) -> list[str]:
    return files(folder, "{}.wav", 16, wave)


def write_records(
    path: pathlib.Path, examples: list[dict[str, tf.train.Feature]], compression: str
) -> None:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for features in examples:
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def int_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def float_feature(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def gzip_records(folder: pathlib.Path) -> list[str]:
    """Four gzip files of raw pictures with few grey levels."""
    paths = [folder / f"{number}.tfrecord.gz" for number in range(4)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 16, (RECORDS_PER_FILE, RECORD_SIDE**2), np.uint8)
        examples = [
            {"pixels": bytes_feature(row.tobytes()), "label": int_feature(label)}
            for label, row in enumerate(pixels, start=100 * number)
        ]
        write_records(path, examples, "GZIP")
    return [str(path) for path in paths]


def small_records(folder: pathlib.Path) -> str:
    """A file of small examples."""
    path = folder / "small.tfrecord"
    if not path.exists():
        rows = np.random.default_rng(0).random((2048, 16), np.float32)
        examples = [
            {"features": float_feature(row), "label": int_feature(label)}
            for label, row in enumerate(rows)
        ]
        write_records(path, examples, "")
    return str(path)


def text_file(path: pathlib.Path, lines: Callable[[], list[str]]) -> str:
    if not path.exists():
        path.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
    return str(path)


def sentences() -> list[str]:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(1000)]
    return [" ".join(rng.choice(words, 300)) for _ in range(256)]


def table() -> list[str]:
    rng = np.random.default_rng(0)
    return [",".join(f"{value:.4f}" for value in row) for row in rng.random((4096, 8))]


def json_rows() -> list[str]:
    rng = np.random.default_rng(0)
    return [json.dumps(np.round(row, 4).tolist()) for row in rng.random((128, 2000))]


def json_examples() -> list[str]:
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


def frames(folder: pathlib.Path) -> str:
    """A file of raw frames, uint8."""
    path = folder / "frames.raw"
    if not path.exists():
        rng = np.random.default_rng(0)
        path.write_bytes(rng.integers(0, 256, (64, *FRAME_SHAPE), np.uint8).tobytes())
    return str(path)


def number_dataset() -> tf.data.Dataset:
    return tf.data.Dataset.range(ENDLESS, name="numbers")


def path_dataset(paths: list[str], count: int = LONG) -> tf.data.Dataset:
    """Paths over and over, as one long list."""
    longer = list(itertools.islice(itertools.cycle(paths), count))
    return tf.data.Dataset.from_tensor_slices(longer, name="paths")


def lines(path: str) -> tf.data.Dataset:
    return tf.data.TextLineDataset([path] * 1000, name="lines")


def raw_frames(path: str) -> tf.data.Dataset:
    return tf.data.FixedLengthRecordDataset(
        [path] * 1000, int(np.prod(FRAME_SHAPE)), name="frames"
    )
