"""Turns that train or predict with the trainers' models."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import numpy as np

from benchmarks import measure, step_turns
from dotmotion_tfds import quiet_start

RESIDENT, STREAM = "resident", "stream"


def initial_weights(model_name: str) -> list[np.ndarray]:
    """What all arms start from.

    Made in a process that ends, so that the caller stays free of TensorFlow.

    Args:
      model_name: 'cnn_lstm' or 'conv_lstm'.
    """
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_initial_weights, model_name).result()


def _initial_weights(model_name: str) -> list[np.ndarray]:
    quiet_start.import_tensorflow()
    from trainers import models

    return models.build(model_name, layers="stock").get_weights()


def prepare(
    kind: str,
    model_name: str,
    layers: str,
    weights: list[np.ndarray],
    batch_size: int,
    feeding: str = RESIDENT,
) -> Callable[[], measure.Work]:
    """A turn of training or inference steps.

    Args:
      kind: 'train' or 'infer'.
      model_name: 'cnn_lstm' or 'conv_lstm'.
      layers: 'fast' or 'stock'.
      weights: of the model.
      batch_size: clips in a step.
      feeding: RESIDENT for one batch that stays in memory; STREAM, when training, for
        fresh ones as the trainers feed them, of which the first is the same.
    """
    quiet_start.import_tensorflow()
    import keras
    import tensorflow as tf

    import dotmotion_tfds
    from trainers import models, steps
    from trainers.kernels import library

    clips = dotmotion_tfds.clips(range(batch_size))
    batch = {
        "video": tf.constant(clips["video"]),
        "label": tf.constant(clips["label"]),
        "weight": tf.ones(batch_size),
    }
    if layers == "fast":
        # Compiled once a machine, as packages are installed once.
        library.load()
    start = time.perf_counter()
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        model = models.build(model_name, layers=layers)
        model.set_weights(weights)
        optimizer = keras.optimizers.Adam(step_turns.LEARNING_RATE)
        optimizer.build(model.trainable_variables)
    if kind == "train":
        train_step = steps.make_train_step(
            strategy, model, optimizer, clip_norm=step_turns.CLIP_NORM
        )

        batches = (
            itertools.repeat(batch)
            if feeding == RESIDENT
            else _streamed(strategy, batch_size)
        )

        def step() -> float:
            return float(train_step(next(batches))[0])

    else:

        @tf.function(autograph=False)
        def predict() -> Any:
            return model(models.normalize(batch["video"]), training=False)

        def step() -> float:
            return step_turns.weighed(predict().numpy())

    return step_turns.turn_of(step, start, batch_size)


def _streamed(strategy: Any, batch_size: int) -> Iterator[Any]:
    import dotmotion_tfds
    from trainers import feed

    def make_shard(shard: tuple[int, int]) -> Any:
        return dotmotion_tfds.stream(batch_size=batch_size, shard=shard).map(
            feed.with_weights
        )

    return feed.iterate(feed.distribute(strategy, make_shard))
