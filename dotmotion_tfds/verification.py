"""Comparing the records of a built dataset with the clips that their indices stand for."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow_datasets as tfds

from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.encodings import decode_clip
from dotmotion_tfds.record_files import RecordError, read_records
from dotmotion_tfds.records import clip_records, parse_record

_REPORT_EVERY = 64
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
    first_clip = 0
    for name, length in zip(split_info.filepaths, split_info.shard_lengths, strict=True):
        path = pathlib.Path(name)
        if not path.is_file():
            return Problem(split, path.name, None, "the shard is missing")
        found, reason = _check_shard(
            path, info.file_format.value, config, split, first_clip, length, advance
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
    config: NamedConfig,
    split: str,
    first_clip: int,
    length: int,
    advance: Callable[[int], None],
) -> tuple[int, str | None]:
    """The number of sound records, and what is wrong with the next one if anything."""
    expected = clip_records(config, split, first_clip, first_clip + length)
    count = 0
    try:
        for record in read_records(path, file_format):
            wanted = next(expected, None)
            if wanted is None:
                return count, f"one record too many: the shard should hold {length}"
            # Bytes that are equal need no decoding, which is what reading costs most.
            if record != wanted:
                reason = _difference(config, record, wanted, first_clip + count, first_clip)
                if reason is not None:
                    return count, reason
            count += 1
            if count % _REPORT_EVERY == 0:
                advance(_REPORT_EVERY)
    except RecordError as error:
        return error.record, error.reason
    advance(count % _REPORT_EVERY)
    if count < length:
        return count, f"it is missing: the file ends after {count} of {length} records"
    return count, None


def _difference(
    config: NamedConfig, record: bytes, wanted: bytes, clip: int, first_clip: int
) -> str | None:
    """What is wrong with a record, or None if it stands for the same clip.

    Another version of zlib or Pillow, or TFDS itself, may have written the same clip in
    other bytes.
    """
    found, expected = parse_record(record), parse_record(wanted)
    assert expected is not None, "a record of ours is well-formed"
    if found is None or found.keys() != expected.keys():
        return _MALFORMED
    (index,) = found["index"] if len(found["index"]) == 1 else (None,)
    if not isinstance(index, int):
        return _MALFORMED
    if index != clip:
        if first_clip <= index < clip:
            return f"it holds clip {index} once more, expected clip {clip}"
        return f"it holds clip {index}, expected clip {clip}"
    if "video" in found:
        video = decode_clip(config.spec, config.encoding, found["video"])
        rendered = decode_clip(config.spec, config.encoding, expected["video"])
        assert rendered is not None, "a record of ours is well-formed"
        if video is None:
            return _MALFORMED
        if not np.array_equal(video, rendered):
            return f"its bytes are not those of clip {clip}"
    if any(found[name] != expected[name] for name in ("label", "centers")):
        return f"its bytes are not those of clip {clip}"
    return None
