"""From a run's options to batches on the strategy's replicas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops import multi_device_iterator_ops

import dotmotion_tfds
from dotmotion_tfds import splitmix
from dotmotion_tfds.order import Order
from dotmotion_tfds.streaming import Batch
from trainers.options import OptionsError, TrainOptions

MakeShard = Callable[[tuple[int, int]], tf.data.Dataset]

_CREATE = "_create_device_dataset"
# Stands for "as many passes as it takes": the number of steps ends a run.
_ENDLESS_EPOCHS = 1 << 31


def train_batches(
    options: TrainOptions, *, start_step: int, shard: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """Batches of the training split from one step on, without end.

    'cache' and 'tfds' give the same clips in the same order where the run's seed is that
    of the stored dataset; 'stream' gives fresh clips.

    Args:
      options: the run's options.
      start_step: the first step to give.
      shard: which rows of each global batch, as in `dotmotion_tfds.stream`.

    Returns:
      A dataset of batches as `dotmotion_tfds.stream` gives them, with `weight` float32
      `[rows]`, all 1.

    Raises:
      OptionsError: if the last batch of a pass leaves a shard without rows.
    """
    last_rows = options.config.split_size("train") % options.batch_size
    if options.data != "stream" and 0 < last_rows < shard[1]:
        raise OptionsError(
            f"batch_size={options.batch_size} leaves {last_rows} clips for the last batch "
            f"of a pass, fewer than the {shard[1]} workers: use another batch size"
        )
    common: dict[str, Any] = {
        "config": options.config,
        "seed": options.seed,
        "batch_size": options.batch_size,
        "start_step": start_step,
        "shard": shard,
    }
    if options.data == "tfds":
        batches = dotmotion_tfds.stored(
            "train", epochs=_ENDLESS_EPOCHS, data_dir=options.data_dir, **common
        )
    elif options.data == "cache":
        batches = dotmotion_tfds.stream(
            "train", epochs=_ENDLESS_EPOCHS, cache="memory", **common
        )
    else:
        batches = dotmotion_tfds.stream("train", **common)
    return batches.map(with_weights)


def train_indices(options: TrainOptions, step: int) -> np.ndarray:
    """Which clips of the training split a step is taken on, without making them.

    Args:
      options: the run's options.
      step: of `train_batches`, counted from 0.

    Returns:
      Indices of the rows of the global batch, int64 `[rows]`.
    """
    order = Order(
        batch_size=options.batch_size,
        shard=(0, 1),
        split_size=options.config.split_size("train"),
        epochs=None if options.data == "stream" else _ENDLESS_EPOCHS,
        key=splitmix.stream_key(options.seed, "train", "order"),
    )
    indices: np.ndarray = order.indices(tf.constant(step, tf.int64)).numpy()
    return indices


def eval_batches(
    options: TrainOptions, *, batch_size: int, shard: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """One pass over the first `options.eval_clips` clips of the test split.

    Args:
      options: the run's options.
      batch_size: clips in a global batch; the last one can be short.
      shard: which rows of each global batch.

    Returns:
      A dataset of batches as `dotmotion_tfds.stream` gives them, with `weight` float32
      `[rows]`: 1, or 0 for a row that stands in for a shard without rows.
    """
    num_clips = options.eval_clips
    if options.data == "tfds":
        size = options.config.split_size("test")
        whole = dotmotion_tfds.stored(
            "test",
            epochs=1,
            config=options.config,
            data_dir=options.data_dir,
            batch_size=size,
        )
        in_order = whole.map(
            lambda batch: {
                name: tf.gather(value, tf.argsort(batch["index"])[:num_clips])
                for name, value in batch.items()
            }
        )
        batches = in_order.unbatch().batch(batch_size)
    else:
        starts = tf.data.Dataset.range(0, num_clips, batch_size)
        batches = starts.map(
            lambda start: dotmotion_tfds.clips(
                tf.range(start, tf.minimum(start + batch_size, num_clips)),
                split="test",
                config=options.config,
                seed=options.seed,
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    batches = batches.map(with_weights)
    if shard[1] > 1:
        part, parts = (tf.constant(value, tf.int64) for value in shard)
        batches = batches.map(lambda batch: _piece(batch, part, parts))
    return batches.prefetch(tf.data.AUTOTUNE)


def distribute(
    strategy: tf.distribute.Strategy, make_shard: MakeShard
) -> tf.distribute.DistributedDataset | tf.data.Dataset:
    """Spreads global batches over workers and, within each, over its replicas.

    The rows of a global batch go to the replicas in order, so the batch as a whole does
    not depend on how many there are.

    Args:
      strategy: the strategy whose replicas are fed.
      make_shard: maps (worker, workers) to the dataset of that worker's rows.

    Returns:
      A dataset whose elements hold `video`, `label` and `weight` for each replica. It is
      an ordinary one where a single CPU is all there is to feed.
    """

    def make_worker_dataset(context: tf.distribute.InputContext) -> tf.data.Dataset:
        workers = context.num_input_pipelines
        replicas = context.num_replicas_in_sync // workers
        dataset = make_shard((context.input_pipeline_id, workers))
        dataset = dataset.map(
            lambda batch: {name: batch[name] for name in ("video", "label", "weight")}
        )
        if replicas > 1:
            dataset = split_rows(dataset, replicas)
        return dataset.prefetch(2 * replicas).with_options(_without_tuning())

    if _is_one_cpu(strategy):
        # Nothing is to be copied to a device: 0.2 ms a batch less than a distributed one.
        return make_worker_dataset(tf.distribute.InputContext())
    return strategy.distribute_datasets_from_function(make_worker_dataset)


def _is_one_cpu(strategy: tf.distribute.Strategy) -> bool:
    if strategy.num_replicas_in_sync > 1:
        return False
    (device,) = strategy.extended.worker_devices
    return tf.DeviceSpec.from_string(device).device_type == "CPU"


def iterate(dataset: tf.distribute.DistributedDataset | tf.data.Dataset) -> Iterator[Any]:
    """An iterator over what `distribute` gave, whose end does not wait.

    The thread that tunes a pipeline sleeps for up to a minute at a time, and the end of an
    iterator waits for it: a run of 54 s took 37 s more to end. The pipelines here are as
    fast without it. What is iterated on each device is made by TensorFlow, which takes no
    options for that, so its function is replaced for a moment; should a TensorFlow not have
    it, runs end later.
    """
    create = getattr(multi_device_iterator_ops, _CREATE, None)
    if create is None:
        return iter(dataset)

    def create_without_tuning(*args: Any) -> tf.data.Dataset:
        return create(*args).with_options(_without_tuning())

    setattr(multi_device_iterator_ops, _CREATE, create_without_tuning)
    try:
        return iter(dataset)
    finally:
        setattr(multi_device_iterator_ops, _CREATE, create)


def _without_tuning() -> tf.data.Options:
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def split_rows(dataset: tf.data.Dataset, parts: int) -> tf.data.Dataset:
    """Turns each batch into `parts` consecutive ones with its rows in order.

    Keras's layers fail on a batch without rows. So where a batch has fewer rows than
    there are parts, an empty piece holds a row of another one instead, with weight 0.

    Args:
      dataset: a dataset of dictionaries of tensors with the same number of rows, at
        least one, among them `weight` float32 `[rows]`.
      parts: pieces of a batch, at least 1.
    """
    count = tf.constant(parts, tf.int64)
    return dataset.flat_map(
        lambda batch: tf.data.Dataset.range(parts).map(
            lambda part: _piece(batch, part, count)
        )
    )


def with_weights(batch: Batch) -> Batch:
    """The batch with a `weight` of 1 for each row, float32 `[rows]`."""
    return {**batch, "weight": tf.ones_like(batch["label"], tf.float32)}


def _piece(batch: Batch, part: tf.Tensor, parts: tf.Tensor) -> Batch:
    rows = tf.shape(batch["label"], tf.int64)[0]
    first, stop = part * rows // parts, (part + 1) * rows // parts
    filled = tf.maximum(stop, first + 1)
    piece = {name: value[first:filled] for name, value in batch.items()}
    own = tf.range(first, filled) < stop
    return {**piece, "weight": piece["weight"] * tf.cast(own, tf.float32)}
