"""Turns that train or predict with the trainers' models."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import numpy as np

from benchmarks import step_turns
from benchmarks.arms import Work
from dotmotion_tfds import quiet_start
from trainers import tensor_memory


@dataclasses.dataclass(frozen=True)
class Step:
    """What is timed.

    Attributes:
      kind: 'train' or 'infer'.
      model: 'cnn_lstm' or 'conv_lstm'.
      layers: 'fast' or 'stock'.
      batch_size: clips in a step, over all replicas.
      kept_batches: of the stream, taken in turn from memory. With 0 a training step gets
        fresh clips, as the trainers feed them; the first batch is always the same.
      replicas: of a MirroredStrategy over as many logical CPUs; 0 for one device without
        it.
      deterministic: whether operations run in a fixed order.
      turn_seconds: how long a turn lasts at least; 0 for a single step.
    """

    kind: str
    model: str
    layers: str
    batch_size: int
    kept_batches: int = 1
    replicas: int = 0
    deterministic: bool = False
    turn_seconds: float = step_turns.TURN_SECONDS


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


def prepare(timed: Step, weights: list[np.ndarray]) -> Callable[[], Work]:
    """A turn of training or inference steps.

    Arms of one home that differ in their batches alone share a model, since two of them
    in one process differ as two processes do. Each starts from the weights.

    Args:
      timed: what a step is.
      weights: of the model.
    """
    # As the trainers do.
    tensor_memory.use_pool()
    quiet_start.import_tensorflow()
    of_any_batches = dataclasses.replace(timed, kept_batches=0)
    strategy = _strategy(of_any_batches)
    kept = [
        _kept(strategy, timed.batch_size, number) for number in range(timed.kept_batches)
    ]
    start = time.perf_counter()
    model = _model(of_any_batches)
    model.set_weights(weights)
    if timed.kind == "infer":
        predict = _predict(of_any_batches)
        return step_turns.turn_of(
            lambda: step_turns.weighed(predict(kept[0]["video"]).numpy()),
            start,
            timed.batch_size,
            seconds=timed.turn_seconds,
        )
    train_step = _train_step(of_any_batches)
    batches = itertools.cycle(kept) if kept else _streamed(strategy, timed.batch_size)
    waited_s = 0.0

    def train() -> float:
        nonlocal waited_s
        begin = time.perf_counter()
        batch = next(batches)
        waited_s += time.perf_counter() - begin
        return float(train_step(batch)[0])

    return step_turns.turn_of(
        train,
        start,
        timed.batch_size,
        seconds=timed.turn_seconds,
        waited_s=lambda: waited_s,
    )


@functools.cache
def _strategy(timed: Step) -> Any:
    import tensorflow as tf

    from trainers import strategies
    from trainers.kernels import library
    from trainers.options import resolve_options

    options = resolve_options(
        model=timed.model,
        batch_size=timed.batch_size,
        strategy="mirrored" if timed.replicas else "one_device",
        virtual_devices=timed.replicas,
    )
    # Splits the CPU, so nothing of TensorFlow may have run before.
    strategy = strategies.make_strategy(options)
    if timed.deterministic:
        tf.config.experimental.enable_op_determinism()
    if timed.layers == "fast":
        # Compiled once a machine, as packages are installed once.
        library.load()
    return strategy


@functools.cache
def _model(timed: Step) -> Any:
    from trainers import models

    with _strategy(timed).scope():
        return models.build(timed.model, layers=timed.layers)


@functools.cache
def _train_step(timed: Step) -> Any:
    import keras

    from trainers import steps

    strategy, model = _strategy(timed), _model(timed)
    with strategy.scope():
        optimizer = keras.optimizers.Adam(step_turns.LEARNING_RATE)
        optimizer.build(model.trainable_variables)
    return steps.make_train_step(strategy, model, optimizer, clip_norm=step_turns.CLIP_NORM)


@functools.cache
def _predict(timed: Step) -> Any:
    import tensorflow as tf

    from trainers import models

    model = _model(timed)

    @tf.function(autograph=False)
    def predict(video: Any) -> Any:
        return model(models.normalize(video), training=False)

    return predict


def _kept(strategy: Any, batch_size: int, number: int) -> Any:
    """A batch of the stream, in memory; each replica has its rows of it."""
    import tensorflow as tf

    import dotmotion_tfds

    replicas = strategy.num_replicas_in_sync
    rows = batch_size // replicas
    first = number * batch_size
    clips = dotmotion_tfds.clips(range(first, first + batch_size))
    whole = {
        "video": tf.constant(clips["video"]),
        "label": tf.constant(clips["label"]),
        "weight": tf.ones(batch_size),
    }
    if replicas == 1:
        return whole
    return strategy.experimental_distribute_values_from_function(
        lambda context: {
            name: value[rows * context.replica_id_in_sync_group :][:rows]
            for name, value in whole.items()
        }
    )


def _streamed(strategy: Any, batch_size: int) -> Iterator[Any]:
    import dotmotion_tfds
    from trainers import feed

    def make_shard(shard: tuple[int, int]) -> Any:
        return dotmotion_tfds.stream(batch_size=batch_size, shard=shard).map(
            feed.with_weights
        )

    return feed.iterate(feed.distribute(strategy, make_shard))
