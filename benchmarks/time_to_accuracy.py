"""How long training by the default recipe takes until 0.99 of unseen clips are right."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from typing import Any

from dotmotion_tfds import quiet_start
from trainers import tensor_memory

TARGET = 0.99
_TEST_CLIPS = 1000
_TEST_BATCH_SIZE = 100
# Training is interrupted so often to look; that time is not counted.
_STEPS_BETWEEN = 10


def measure_accuracy(
    model_names: Sequence[str],
    layers: Sequence[str],
    seeds: int,
    *,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Trains each model with each kind of layers from each seed.

    Args:
      model_names: which models.
      layers: 'fast', 'stock' or both.
      seeds: how many seeds, from 0.
      advance: called with what was trained after each run.

    Returns:
      By model and layers a list of runs, each with `seed`, `steps` and `train_s` until
      the target, both None if the recipe ends before it, and `test_accuracy` there.
    """
    found: dict[str, Any] = {}
    context = multiprocessing.get_context("spawn")
    for model_name in model_names:
        for kind in layers:
            runs = []
            for seed in range(seeds):
                with futures.ProcessPoolExecutor(1, mp_context=context) as process:
                    runs.append(process.submit(_train, model_name, kind, seed).result())
                advance(f"{model_name}, {kind}, seed {seed}")
            found.setdefault(model_name, {})[kind] = runs
    return found


def _train(model_name: str, layers: str, seed: int) -> dict[str, Any]:
    tensor_memory.use_pool()
    quiet_start.import_tensorflow()
    import tensorflow as tf

    import dotmotion_tfds
    from trainers import feed, models, steps
    from trainers.kernels import library
    from trainers.options import resolve_options

    options = resolve_options(
        model=model_name, layers=layers, seed=seed, strategy="one_device"
    )
    if layers == "fast":
        library.load()
    test = dotmotion_tfds.clips(range(_TEST_CLIPS), split="test", seed=seed)
    start = time.perf_counter()
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        model = models.build(
            model_name,
            layers=layers,
            recurrent_max_norm=options.recurrent_max_norm,
            seed=seed,
        )
        optimizer = steps.make_optimizer(options.learning_rate, options.precision)
        optimizer.build(model.trainable_variables)
    batches = feed.iterate(
        feed.distribute(
            strategy, lambda shard: feed.train_batches(options, start_step=0, shard=shard)
        )
    )
    train_step = steps.make_train_step(
        strategy, model, optimizer, clip_norm=options.clip_norm
    )

    @tf.function(autograph=False)
    def hits(video: Any, label: Any) -> Any:
        predicted = tf.argmax(model(models.normalize(video), training=False), axis=-1)
        return tf.math.count_nonzero(tf.equal(predicted, label))

    def batches_of_hits() -> Iterator[int]:
        for first in range(0, _TEST_CLIPS, _TEST_BATCH_SIZE):
            rows = slice(first, first + _TEST_BATCH_SIZE)
            yield int(hits(test["video"][rows], test["label"][rows]))

    train_s = time.perf_counter() - start
    for first in range(0, options.steps, _STEPS_BETWEEN):
        begin = time.perf_counter()
        for _ in range(_STEPS_BETWEEN):
            train_step(next(batches)).numpy()
        train_s += time.perf_counter() - begin
        right = _enough(batches_of_hits())
        if right is not None:
            steps_taken = first + _STEPS_BETWEEN
            return _run(seed, right / _TEST_CLIPS, steps_taken, round(train_s, 2))
    return _run(seed, sum(batches_of_hits()) / _TEST_CLIPS, None, None)


def _enough(hits: Iterable[int]) -> int | None:
    """How many clips are right; None, at the first batch that tells, if too few are.

    Args:
      hits: right ones of each batch of the test clips.
    """
    right = looked_at = 0
    for of_batch in hits:
        right += of_batch
        looked_at += _TEST_BATCH_SIZE
        if looked_at - right > round((1 - TARGET) * _TEST_CLIPS):
            return None
    return right


def _run(
    seed: int, accuracy: float, steps: int | None, train_s: float | None
) -> dict[str, Any]:
    return {"seed": seed, "steps": steps, "train_s": train_s, "test_accuracy": accuracy}


def table(found: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each model and kind of layers.

    Args:
      found: what `measure_accuracy` found.
    """
    lines = [["model, layers", f"steps to {TARGET}", f"training to {TARGET}"]]
    for model_name, kinds in found.items():
        for layers, runs in kinds.items():
            steps = ", ".join(_text(run["steps"], "{:,}") for run in runs)
            seconds = ", ".join(_text(run["train_s"], "{:,.1f} s") for run in runs)
            lines.append([f"{model_name}, {layers}", steps, seconds])
    return lines


def _text(value: float | None, form: str) -> str:
    return "not reached" if value is None else form.format(value)
