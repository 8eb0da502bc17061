"""The built dataset as a stream: the same batches, in the same order, from its files."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from dotmotion_tfds import kept_memory, splitmix, trajectories
from dotmotion_tfds.configs import NamedConfig, resolve_config
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from dotmotion_tfds.order import MAX_EPOCHS, Order, require_start_step
from dotmotion_tfds.spec import (
    CLASS_NAMES,
    SpecError,
    require_integer,
    require_seed,
)
from dotmotion_tfds.streaming import BATCHES_AHEAD, Batch, Config, as_pair, gather_batches


def build_if_missing(
    *, config: Config = "standard", data_dir: str | os.PathLike[str] | None = None
) -> Builder:
    """The builder of a dataset whose files are complete, built first if there are none.

    Args:
      config: as for `dotmotion_tfds.stream`.
      data_dir: the root of the built datasets; `~/tensorflow_datasets`, or
        `$TFDS_DATA_DIR`, by default.

    Raises:
      SpecError: if there is a directory for the dataset that is not complete, or a newer
        version of it.
      OSError: if the dataset can't be written.
    """
    builder = Builder(config=config, data_dir=data_dir)
    builder.download_and_prepare()
    if builder.info.file_format is not tfds.core.FileFormat.TFRECORD:
        raise SpecError(
            f"{builder.data_path} is stored as {builder.info.file_format.value}, expected "
            "tfrecord: read it with tfds.data_source, or name another --data_dir"
        )
    return builder


def stored(
    split: str = "train",
    *,
    epochs: int,
    config: Config = "standard",
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    batch_size: int = 32,
    start_step: int = 0,
    shard: tuple[int, int] = (0, 1),
    as_supervised: bool = False,
) -> tf.data.Dataset:
    """Batches of the dataset that `tfds build` stored, built first if it is missing.

    With seed 0 these are the batches of `stream` with the same options, byte for byte.
    The records of the split are read once, in order, and kept in memory as they are
    stored (0.1 to 2 kB a clip of `standard`, all of its 130 kB where frames are stored
    raw); so any step can be had at once, and clips are decoded in whole batches. The C
    library keeps the memory of batches, as for `stream`.

    Args:
      split: 'train' or 'test'.
      epochs: passes over the split, each permuted afresh.
      config: as for `stream`.
      data_dir: the root of the built datasets; `~/tensorflow_datasets`, or
        `$TFDS_DATA_DIR`, by default.
      seed: of the order; the stored clips have seed 0.
      batch_size: as for `stream`.
      start_step: as for `stream`.
      shard: as for `stream`.
      as_supervised: as for `stream`.

    Returns:
      A dataset of batches, as `stream` gives them.

    Raises:
      SpecError: if an option is out of range or the stored dataset is not complete.
      OSError: if the dataset is missing and can't be written.
    """
    require_start_step(start_step, batch_size)
    kept_memory.keep_freed_memory()
    expected = resolve_config(config).split_size(split)
    order = Order(
        batch_size=batch_size,
        shard=shard,
        split_size=expected,
        epochs=require_integer("epochs", epochs, 1, MAX_EPOCHS),
        key=splitmix.stream_key(require_seed(seed), split, "order"),
    )
    builder = build_if_missing(config=config, data_dir=data_dir)
    size = builder.info.splits[split].num_examples
    if size != expected:
        raise SpecError(
            f"{builder.data_path} holds {size} clips in split {split!r}, expected "
            f"{expected}: it was built with a limit; delete it or name another --data_dir"
        )
    named = builder.builder_config.named

    def make_batch(step: tf.Tensor, records: dict[str, tf.Tensor]) -> Batch:
        indices = order.indices(step)
        batch = {name: tf.gather(value, indices) for name, value in records.items()}
        return {**batch, "video": _decode_videos(batch, named)}

    dataset = gather_batches(
        order.steps(start_step), _records(builder, split, size), make_batch
    )
    if as_supervised:
        dataset = dataset.map(as_pair)
    return dataset.prefetch(BATCHES_AHEAD)


def _records(builder: Builder, split: str, size: int) -> tf.data.Dataset:
    """A dataset of one element: the split's records by index, videos still encoded."""
    undecoded = {"video": tfds.decode.SkipDecoding()}
    records = builder.as_dataset(
        split=split,
        shuffle_files=False,
        decoders=undecoded if "video" in builder.info.features else None,
    ).batch(size, drop_remainder=True)

    def by_index(batch: dict[str, Any]) -> dict[str, Any]:
        is_class = (batch["label"] >= 0) & (batch["label"] < len(CLASS_NAMES))
        with tf.control_dependencies(
            [
                tf.debugging.assert_equal(
                    batch["index"],
                    tf.range(size, dtype=tf.int64),
                    "the stored clips are not in index order",
                ),
                tf.debugging.Assert(
                    tf.reduce_all(is_class),
                    [
                        "labels that are no class, of clips",
                        batch["index"][tf.logical_not(is_class)],
                    ],
                ),
            ]
        ):
            return tf.nest.map_structure(tf.identity, batch)

    return records.map(by_index)


def _decode_videos(batch: Batch, named: NamedConfig) -> tf.Tensor:
    """The frames of a batch of records, uint8 `[b, frames, height, width, channels]`."""
    if named.encoding == "trajectories":
        return trajectories.render(batch, named)["video"]
    strings = batch["video"]
    shape = (strings.shape[0], *named.spec.video_shape)
    if named.encoding == "png":
        pixels = tf.map_fn(
            lambda string: tf.io.decode_png(string, channels=named.spec.channels),
            tf.reshape(strings, [-1]),
            fn_output_signature=tf.TensorSpec(shape[2:], tf.uint8),
        )
    else:
        if named.encoding == "zlib":
            strings = tf.io.decode_compressed(strings, "ZLIB")
        pixels = tf.io.decode_raw(strings, tf.uint8)
    return tf.ensure_shape(tf.reshape(pixels, (-1, *shape[1:])), shape)
