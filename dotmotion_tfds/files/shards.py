"""Cutting a split into shards, and writing one shard: what each process of a build does."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.core import file_adapters, naming
from tensorflow_datasets.core.utils import shard_utils

from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.files import records

# From so many records, the size of a split is guessed.
_SAMPLE = 64
_REPORT_EVERY = 64


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file of a split, and the clips that belong into it.

    Attributes:
      path: the file's path.
      file_format: 'tfrecord' or 'array_record'.
      config: the configuration of the clips.
      split: the split's name.
      first: index of the first clip.
      stop: index after the last clip.
    """

    path: str
    file_format: str
    config: NamedConfig
    split: str
    first: int
    stop: int


def plan(
    config: NamedConfig,
    split: str,
    *,
    num_clips: int,
    file_format: str,
    template: naming.ShardedFileTemplate,
    sizes: shard_utils.ShardConfig,
) -> list[Shard]:
    """Cuts a split into shards; the same for any number of processes.

    Args:
      config: the configuration of the clips.
      split: the split's name.
      num_clips: clips in the split, at least 1.
      file_format: 'tfrecord' or 'array_record'.
      template: names the files.
      sizes: how many shards there should be, or how large.

    Returns:
      The shards in order; together they hold clips 0 to `num_clips` - 1.
    """
    sample = records.clip_records(config, split, 0, min(num_clips, _SAMPLE))
    lengths = [len(record) for record in sample]
    total = round(sum(lengths) / len(lengths) * num_clips)
    num_shards = min(sizes.get_number_shards(total, num_clips), num_clips)
    stops = shard_utils.get_shard_boundaries(num_clips, num_shards)
    return [
        Shard(
            path=os.fspath(
                template.sharded_filepath(shard_index=number, num_shards=num_shards)
            ),
            file_format=file_format,
            config=config,
            split=split,
            first=stops[number - 1] if number else 0,
            stop=stop,
        )
        for number, stop in enumerate(stops)
    ]


def write(shard: Shard, advance: Callable[[int], Any] = lambda count: None) -> int:
    """Writes a shard's file, which has its name only when it is whole.

    Args:
      shard: what to write.
      advance: called with the number of clips that were written, now and then.

    Returns:
      The sum of the lengths of its records, in bytes.

    Raises:
      OSError: if the file can't be written.
    """
    counted = _Counted(
        records.clip_records(shard.config, shard.split, shard.first, shard.stop), advance
    )
    path = epath.Path(shard.path)
    # A runner may try a shard twice at once.
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    adapter = file_adapters.ADAPTER_FOR_FORMAT[
        tfds.core.FileFormat.from_value(shard.file_format)
    ]
    try:
        adapter.write_examples(part, enumerate(counted))
        _require_whole(part, shard, counted.num_bytes)
        part.replace(path)
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OSError(f"{path.name}: {reason}") from error
    finally:
        part.unlink(missing_ok=True)
    return counted.num_bytes


class _Counted(Iterable[bytes]):
    """Passes records on, counting clips and bytes."""

    def __init__(self, source: Iterator[bytes], advance: Callable[[int], Any]) -> None:
        self._source = source
        self._advance = advance
        self.num_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        pending = 0
        for record in self._source:
            self.num_bytes += len(record)
            yield record
            pending += 1
            if pending == _REPORT_EVERY:
                self._advance(pending)
                pending = 0
        self._advance(pending)


def _require_whole(path: epath.Path, shard: Shard, num_bytes: int) -> None:
    """Not every writer of records reports a full disk."""
    num_clips = shard.stop - shard.first
    if shard.file_format == "array_record":
        found, expected = file_adapters.ArrayRecordFileAdapter.num_examples(path), num_clips
    else:
        found = path.stat().length
        expected = num_bytes + shard_utils.ShardConfig.overhead * num_clips
    if found != expected:
        raise OSError(
            f"{path.name}: {found} of {expected} "
            f"{'records' if shard.file_format == 'array_record' else 'bytes'} arrived"
        )
