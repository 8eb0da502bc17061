"""The `tf.data` pipeline that makes clips on the fly, and random access to clips."""

from __future__ import annotations

import dataclasses
import errno
import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from dotmotion_tfds import clip_file, elements, kept_memory, splitmix
from dotmotion_tfds.arrays_tensorflow import TENSORFLOW
from dotmotion_tfds.configs import NamedConfig, resolve_config
from dotmotion_tfds.native import clips as native_clips
from dotmotion_tfds.order import Order, require_start_step
from dotmotion_tfds.spec import (
    ClipSpec,
    SpecError,
    require_seed,
    require_split,
)

# Left to AUTOTUNE, a consumer that pauses now and then finds ever more batches waiting, up
# to half of the machine's memory: 3.5 GB of them were seen, no faster than four.
BATCHES_AHEAD = 4

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Config = str | ClipSpec | Mapping[str, Any] | NamedConfig
Batch = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class StreamOptions:
    """What `stream` makes; see there for the meaning of each option.

    Raises:
      SpecError: on construction, when a value is out of range or two values contradict
        each other.
    """

    split: str
    config: NamedConfig
    seed: int
    batch_size: int
    start_step: int
    shard: tuple[int, int]
    epochs: int | None
    cache: str | None
    as_supervised: bool

    def __post_init__(self) -> None:
        require_split(self.split)
        object.__setattr__(self, "seed", require_seed(self.seed))
        start_step = require_start_step(self.start_step, self.batch_size)
        object.__setattr__(self, "start_step", start_step)
        if self.cache == "":
            raise SpecError("cache='' is empty: expected 'memory' or a directory")
        if self.cache is not None and self.epochs is None:
            raise SpecError(
                f"cache={self.cache!r} without epochs: an endless stream of fresh clips "
                "never repeats one; pass epochs=N, or leave cache out"
            )
        self.order()

    def order(self) -> Order:
        """The order of the clips."""
        return Order(
            batch_size=self.batch_size,
            shard=self.shard,
            split_size=self.config.split_size(self.split),
            epochs=self.epochs,
            key=splitmix.stream_key(self.seed, self.split, "order"),
        )


def stream(
    split: str = "train",
    *,
    config: Config = "standard",
    seed: int = 0,
    batch_size: int = 32,
    start_step: int = 0,
    shard: tuple[int, int] = (0, 1),
    epochs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    as_supervised: bool = False,
) -> tf.data.Dataset:
    """Streams batches of moving-dot clips, made as they are asked for.

    A batch is a function of its step: a stream with `start_step=s` continues one that
    stopped after s batches, and the shards of a batch together are the batch.

    Args:
      split: 'train' or 'test'; clips of different splits have nothing in common.
      config: the name of a configuration, a `ClipSpec`, or a mapping or JSON object of
        its attributes. Its encoding is about files and makes no difference here.
      seed: of the clips and of their order, an integer in [0, 2**63). The stored
        dataset has seed 0.
      batch_size: clips in a global batch, a multiple of the number of shards.
      start_step: the first batch to give, counted from 0 over all epochs.
      shard: `(i, n)` gives rows i*batch_size/n up to (i+1)*batch_size/n of each global
        batch; a short last batch of a pass is split in the same proportions.
      epochs: None for endless fresh clips, with index = step * batch_size + row;
        otherwise the number of passes over the split, each permuted afresh.
      cache: only with `epochs`. 'memory' keeps the split's frames in memory once they
        are made; any other string is a directory for a file of them, which is then
        checked and mapped into memory. Where the disk has no room for it, a warning says
        so, and clips are made anew. Elements are the same, in the same order, with and
        without.
      as_supervised: whether to give `(video, label)` instead of dictionaries.

    Returns:
      A dataset of batches with `video` uint8 `[b, frames, height, width, channels]` (0
      and 255 in `standard`), `label` int64 `[b]`, `centers` int32 `[b, frames, 2]` (row,
      column) in pixels and `index` int64 `[b]`. It is prefetched; do not shuffle it again.
      On Linux with a C++ compiler, most configurations are drawn by an operation that is
      compiled once a machine (`dotmotion_tfds.native`); where the pipeline is to run in
      another process, such as a worker of tf.data's service, set DOTMOTION_KERNELS=off.
      The C library is told to keep the memory of batches that are done with, for the
      batches to come (`dotmotion_tfds.kept_memory`), unless DOTMOTION_KEEP_MEMORY=off.

    Raises:
      SpecError: if an option is out of range.
      OSError: if the file of a cache can't be written.
    """
    options = StreamOptions(
        split=split,
        config=resolve_config(config),
        seed=seed,
        batch_size=batch_size,
        start_step=start_step,
        shard=shard,
        epochs=epochs,
        cache=None if cache is None else os.fspath(cache),
        as_supervised=as_supervised,
    )
    return stream_from_options(options)


def stream_from_options(options: StreamOptions) -> tf.data.Dataset:
    """The dataset that `stream` describes."""
    kept_memory.keep_freed_memory()
    order = options.order()
    frames = _cached_frames(options)
    if frames is None:
        render = _renderer(options)
        dataset = order.steps(options.start_step).map(
            lambda step: render(order.indices(step)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    else:
        dataset = gather_batches(
            order.steps(options.start_step),
            frames,
            lambda step, frames: _gathered(options, order.indices(step), frames),
        )
    if options.as_supervised:
        dataset = dataset.map(as_pair)
    return dataset.prefetch(BATCHES_AHEAD)


def clips(
    indices: Any,
    split: str = "train",
    config: Config = "standard",
    seed: int = 0,
) -> Batch:
    """Clips of any indices: the same bytes as `stream` and the stored dataset give.

    Args:
      indices: integers `[n]`, not negative; works in eager code, in `tf.function` and
        under XLA.
      split: 'train' or 'test'.
      config: as for `stream`.
      seed: as for `stream`.

    Returns:
      A dictionary of tensors, as in a batch of `stream`, with n rows.

    Raises:
      SpecError: if an option is out of range, `indices` is not a vector of integers, or
        an index is known to be negative.
    """
    named = resolve_config(config)
    if not tf.is_tensor(indices):
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype(np.int64)
    if len(indices.shape) != 1 or not tf.as_dtype(indices.dtype).is_integer:
        raise SpecError(
            f"indices have shape {tuple(indices.shape)} and type "
            f"{tf.as_dtype(indices.dtype).name}: expected a vector of integers"
        )
    constant = tf.get_static_value(indices) if tf.is_tensor(indices) else indices
    if constant is not None and np.any(constant < 0):
        raise SpecError(
            f"index {int(np.min(constant))} is negative: clips are numbered from 0"
        )
    if constant is not None and constant.size and int(np.max(constant)) >> 63:
        raise SpecError(
            f"index {int(np.max(constant))} is too large: clips are numbered below 2**63"
        )
    return elements.render_clips(
        TENSORFLOW,
        named.spec,
        tf.cast(indices, tf.int64),
        split=require_split(split),
        seed=require_seed(seed),
    )


def gather_batches(
    steps: tf.data.Dataset,
    table: tf.data.Dataset,
    make_batch: Callable[[tf.Tensor, Any], Batch],
) -> tf.data.Dataset:
    """Makes a batch for each step out of one table that stays in memory.

    Args:
      steps: a dataset of int64 scalars.
      table: a dataset of one element. It is evaluated once, when the first batch is
        asked for, and handed on by reference.
      make_batch: maps (step, table) to a batch.

    Returns:
      The dataset of batches, in the order of `steps`.
    """
    return tf.data.Dataset.zip((steps, table.cache().repeat())).map(
        make_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def as_pair(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    """`(video, label)` of a batch, as `keras.Model.fit` takes it."""
    return batch["video"], batch["label"]


def _renderer(options: StreamOptions) -> Callable[[tf.Tensor], Batch]:
    """What makes the clips of given indices, chosen before any graph is traced."""
    spec, split, seed = options.config.spec, options.split, options.seed
    if native_clips.is_usable(spec):
        return functools.partial(native_clips.render_clips, spec, split=split, seed=seed)
    return functools.partial(
        elements.render_clips, TENSORFLOW, spec, split=split, seed=seed
    )


def _gathered(options: StreamOptions, indices: tf.Tensor, frames: tf.Tensor) -> Batch:
    described = elements.describe_clips(
        TENSORFLOW,
        options.config.spec,
        indices,
        split=options.split,
        seed=options.seed,
    )
    return {"video": tf.gather(frames, indices), **described}


def _cached_frames(options: StreamOptions) -> tf.data.Dataset | None:
    """A dataset of one element: the frames of the whole split, in index order.

    None if there is no cache, or no room on the disk for it.
    """
    if options.cache is None:
        return None
    size = options.config.split_size(options.split)
    spec = options.config.spec
    if options.cache == "memory":
        whole_split = tf.data.Dataset.from_tensors(tf.range(size, dtype=tf.int64))
        render = _renderer(options)
        return whole_split.map(lambda indices: render(indices)["video"])
    try:
        path = clip_file.write_if_missing(
            options.cache,
            spec=spec,
            split=options.split,
            seed=options.seed,
            num_clips=size,
        )
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        logging.warning(
            "no room for a cache of %d bytes in %r (%s): clips are made anew in each pass",
            size * spec.clip_bytes,
            options.cache,
            error.strerror,
        )
        return None
    return tf.data.Dataset.from_tensors(os.fspath(path)).map(
        lambda _: tf.raw_ops.ImmutableConst(
            dtype=tf.uint8,
            shape=(size, *spec.video_shape),
            memory_region_name=os.fspath(path),
        )
    )
