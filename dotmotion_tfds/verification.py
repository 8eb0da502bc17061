"""Comparing the records of a built dataset with the clips that their indices stand for."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from dotmotion_tfds import elements
from dotmotion_tfds.arrays_tensorflow import TENSORFLOW
from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import STORED_SEED
from dotmotion_tfds.record_files import RecordError, read_records

_RECORDS_PER_CHECK = 64
_MALFORMED = "it is not a record of this dataset"


@dataclasses.dataclass(frozen=True)
class Problem:
    """The first thing that is wrong with a split.

    Attributes:
      split: the split's name.
      shard: the file's name.
      record: number of the record in its shard, or None if it is about the whole file.
      reason: what is wrong.
    """

    split: str
    shard: str
    record: int | None
    reason: str

    def __str__(self) -> str:
        where = self.shard if self.record is None else f"{self.shard}, record {self.record}"
        return f"{where}: {self.reason}"


def first_problem(
    info: tfds.core.DatasetInfo,
    split: str,
    config: NamedConfig,
    advance: Callable[[int], None] = lambda count: None,
) -> Problem | None:
    """Re-derives every record of a split from its index and compares.

    Args:
      info: of the built dataset.
      split: the split's name.
      config: the configuration whose clips the dataset should hold.
      advance: called with the number of clips that were found right, now and then.

    Returns:
      The first shard and record that differs, is missing, doubled, out of place or cut;
      None if there is none.
    """
    split_info = info.splits.get(split)
    if split_info is None:
        return Problem(split, str(info.data_dir), None, f"split {split!r} is missing")
    check = _make_check(config, split)
    first_clip = 0
    for name, length in zip(split_info.filepaths, split_info.shard_lengths, strict=True):
        path = pathlib.Path(name)
        if not path.is_file():
            return Problem(split, path.name, None, "the shard is missing")
        found, reason = _check_shard(
            path, info.file_format.value, first_clip, length, check, advance
        )
        if reason is not None:
            return Problem(split, path.name, found, reason)
        first_clip += length
    expected = config.split_size(split)
    if first_clip != expected:
        reason = f"the split holds {first_clip} clips, expected {expected}"
        return Problem(split, str(info.data_dir), None, reason)
    return None


def _check_shard(
    path: pathlib.Path,
    file_format: str,
    first_clip: int,
    length: int,
    check: Callable[[tf.Tensor, tf.Tensor], Any],
    advance: Callable[[int], None],
) -> tuple[int, str | None]:
    """The number of sound records, and what is wrong with the next one if anything."""
    unreadable: list[RecordError] = []

    def chunks() -> Iterator[list[bytes]]:
        chunk: list[bytes] = []
        try:
            for data in read_records(path, file_format):
                chunk.append(data)
                if len(chunk) == _RECORDS_PER_CHECK:
                    yield chunk
                    chunk = []
        except RecordError as error:
            unreadable.append(error)
        if chunk:
            yield chunk

    batches = tf.data.Dataset.from_generator(
        chunks, output_signature=tf.TensorSpec([None], tf.string)
    ).enumerate()
    checked = batches.map(
        lambda number, records: check(records, first_clip + number * _RECORDS_PER_CHECK),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    count = 0
    try:
        for right, indices in checked.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
            for is_right, index in zip(right, indices, strict=True):
                if count >= length:
                    return count, f"one record too many: the shard should hold {length}"
                if not is_right:
                    return count, _difference(int(index), first_clip + count, first_clip)
                count += 1
            advance(len(right))
    except (tf.errors.InvalidArgumentError, tf.errors.DataLossError):
        return _first_malformed(path, file_format, count, check), _MALFORMED
    if unreadable:
        return unreadable[0].record, unreadable[0].reason
    if count < length:
        return count, f"it is missing: the file ends after {count} of {length} records"
    return count, None


def _first_malformed(
    path: pathlib.Path,
    file_format: str,
    first: int,
    check: Callable[[tf.Tensor, tf.Tensor], Any],
) -> int:
    """The number of the first record, from `first` on, that is no example of ours."""
    for number, data in enumerate(read_records(path, file_format)):
        if number >= first:
            try:
                check(tf.constant([data]), tf.constant(0, tf.int64))
            except (tf.errors.InvalidArgumentError, tf.errors.DataLossError):
                return number
    raise AssertionError(f"{path}: all records are well-formed one by one")


def _difference(found: int, expected: int, first_clip: int) -> str:
    if found == -1:
        return _MALFORMED
    if found == expected:
        return f"its bytes are not those of clip {expected}"
    if first_clip <= found < expected:
        return f"it holds clip {found} once more, expected clip {expected}"
    return f"it holds clip {found}, expected clip {expected}"


def _make_check(
    config: NamedConfig, split: str
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    spec = config.spec
    pixels = spec.clip_bytes
    features = {
        "video": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "centers": tf.io.FixedLenFeature([spec.frames, 2], tf.int64),
        "index": tf.io.FixedLenFeature([], tf.int64, default_value=-1),
    }

    def check(records: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(records, features)
        indices = first + tf.range(tf.shape(records, tf.int64)[0])
        expected = elements.render_clips(
            TENSORFLOW, spec, indices, split=split, seed=STORED_SEED
        )
        raw = tf.io.decode_compressed(parsed["video"], "ZLIB")
        sized = tf.equal(tf.strings.length(raw), pixels)
        blank = tf.constant(b"\0" * pixels)
        video = tf.io.decode_raw(tf.where(sized, raw, blank), tf.uint8)
        wanted = tf.reshape(expected["video"], tf.shape(video))
        right = sized & tf.reduce_all(tf.equal(video, wanted), axis=1)
        right &= tf.equal(parsed["label"], expected["label"])
        centers = tf.cast(expected["centers"], tf.int64)
        right &= tf.reduce_all(tf.equal(parsed["centers"], centers), axis=[1, 2])
        right &= tf.equal(parsed["index"], indices)
        return right, parsed["index"]

    return check
