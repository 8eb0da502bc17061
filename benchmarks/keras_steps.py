"""Turns that train or predict with the trainers' models."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import numpy as np

from benchmarks import measure, step_turns
from dotmotion_tfds import quiet_start


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
    kind: str, model_name: str, layers: str, weights: list[np.ndarray], batch_size: int
) -> Callable[[], measure.Work]:
    """A turn of training or inference steps on a batch that stays in memory.

    Args:
      kind: 'train' or 'infer'.
      model_name: 'cnn_lstm' or 'conv_lstm'.
      layers: 'fast' or 'stock'.
      weights: of the model.
      batch_size: clips in a step.
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

        def step() -> float:
            return float(train_step(batch)[0])

    else:

        @tf.function(autograph=False)
        def predict() -> Any:
            return model(models.normalize(batch["video"]), training=False)

        def step() -> float:
            return step_turns.weighed(predict().numpy())

    return step_turns.turn_of(step, start, batch_size)
