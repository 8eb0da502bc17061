"""A whole training run: set up, resume, train, evaluate, sum up."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import platform
import re
import signal
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from dotmotion_tfds import CLASS_NAMES, storage
from trainers import (
    checkpoints,
    feed,
    models,
    processor,
    steps,
    strategies,
    summary,
    weights_file,
    workdir,
)
from trainers.agreement import make_agreement
from trainers.kernels import library
from trainers.options import OptionsError, TrainOptions
from trainers.progress import ProgressBar
from trainers.stop_requests import StopRequests
from trainers.tensorboard_log import TensorBoardLog

# Evaluation keeps no activations, so it can take larger batches than training.
_EVAL_BATCH_SIZE = 100


class TrainingError(RuntimeError):
    """A run can't go on; the message is one line."""


class RunInterruptedError(Exception):
    """A run was asked to stop; its state up to `step` is on disk.

    Attributes:
      signal_number: the signal that asked; SIGTERM if it came to another worker.
      step: optimizer steps done.
    """

    def __init__(self, signal_number: int, step: int) -> None:
        super().__init__(f"stopped by signal {signal_number} at step {step}")
        self.signal_number = signal_number
        self.step = step


@dataclasses.dataclass
class _Run:
    """The parts of a run that training, saving and summing up share."""

    options: TrainOptions
    strategy: tf.distribute.Strategy
    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    writes_files: bool
    # One row a step: loss, accuracy, gradient norm before clipping.
    history: np.ndarray

    @property
    def step(self) -> int:
        return len(self.history)


def run(options: TrainOptions, console: Console) -> dict[str, Any]:
    """Trains, or continues, the run that the options describe, and evaluates it.

    To be called before TensorFlow starts any device.

    Args:
      options: the run.
      console: where progress is shown.

    Returns:
      The summary, as written to `<workdir>/summary.json`.

    Raises:
      OptionsError: if the options don't fit the machine or the workdir; no file has been
        written then.
      dotmotion_tfds.SpecError: if the stored dataset is not complete.
      TrainingError: if the loss is no longer finite, the stored dataset is corrupt, or
        another worker is gone.
      OSError: if the run's files can't be written.
      RunInterruptedError: if SIGINT or SIGTERM came; the state has been saved.
    """
    identity = options.identity()
    workdir.check(options.workdir, identity)
    strategy = strategies.make_strategy(options)
    console.print(strategies.describe(strategy), highlight=False)
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
    if options.data == "tfds":
        _require_dataset(options)
    if options.layers == "fast":
        _load_kernels(console)
    current = _prepare(options, strategy)
    if current.step > options.steps:
        raise OptionsError(
            f"workdir {str(options.workdir)!r} holds a run at step {current.step}, "
            f"beyond steps={options.steps}: ask for at least {current.step} steps, or "
            "name another directory with --workdir"
        )
    earlier = summary.read(options.workdir)
    if current.step == options.steps and _still_holds(earlier, current):
        console.print(
            f"this run is complete at step {options.steps}; raise --steps to train on, "
            "or name another --workdir",
            highlight=False,
        )
        return dict(earlier or {})
    if current.writes_files:
        workdir.claim(options.workdir, identity)
    with (
        workdir.hold(options.workdir) if current.writes_files else contextlib.nullcontext()
    ):
        if current.step:
            console.print(f"continuing at step {current.step}", highlight=False)
        try:
            timing = _train(current, console)
            return _sum_up(current, timing, earlier, console)
        except tf.errors.UnavailableError:
            raise TrainingError(
                f"another worker can't be reached after step {current.step}: start all of "
                "them again to continue from the last checkpoint"
            ) from None


def _still_holds(earlier: dict[str, Any] | None, current: _Run) -> bool:
    """Whether the summary that is there tells what this run would."""
    expected = {
        **summary.describe_options(current.options),
        "strategy": current.options.strategy,
        "num_replicas": current.strategy.num_replicas_in_sync,
        "steps": current.step,
        "test_clips": current.options.eval_clips,
    }
    found = earlier or {}
    return all(found.get(name) == value for name, value in expected.items())


def _require_dataset(options: TrainOptions) -> None:
    try:
        storage.build_if_missing(config=options.config, data_dir=options.data_dir)
    except OSError as error:
        raise OptionsError(
            f"the dataset can't be built in {str(options.data_dir or 'its default')!r} "
            f"({error.strerror or error}): name another directory with --data_dir"
        ) from None


def _load_kernels(console: Console) -> None:
    """Has the kernels of the fast layers ready, and says if there are none."""
    if processor.has_gpu():
        return
    if not library.is_ready():
        with console.status("compiling kernels for this processor, once"):
            library.load()
    absence = library.load().absence
    if absence:
        console.print(
            f"no kernels, so steps take several times as long: {absence}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _prepare(options: TrainOptions, strategy: tf.distribute.Strategy) -> _Run:
    with strategy.scope():
        model = _build(options, layers=options.layers)
        optimizer = steps.make_optimizer(options.learning_rate, options.precision)
        optimizer.build(model.trainable_variables)
    current = _Run(
        options=options,
        strategy=strategy,
        model=model,
        optimizer=optimizer,
        writes_files=strategies.is_chief(strategy),
        history=np.zeros((0, 3), np.float32),
    )
    latest = checkpoints.load_latest(options.workdir / "checkpoints")
    if latest is not None:
        _restore(current, latest)
    elif options.initial_weights is not None:
        current.model.set_weights(_weights_of(options.initial_weights, options))
    return current


def _weights_of(path: pathlib.Path, options: TrainOptions) -> list[np.ndarray]:
    """Weights of a file, read into Keras's own layers, whose names it knows."""
    stock = _build(options, layers="stock")
    weights_file.load(path, stock)
    weights: list[np.ndarray] = stock.get_weights()
    return weights


def _build(options: TrainOptions, *, layers: str) -> keras.Model:
    return models.build(
        options.model,
        layers=layers,
        clip_shape=options.config.spec.video_shape,
        num_classes=len(CLASS_NAMES),
        nesting=options.nesting,
        lstm_activation=options.lstm_activation,
        precision=options.precision,
        recurrent_max_norm=options.recurrent_max_norm,
        use_xla=False if options.xla == "off" else "auto",
        seed=options.seed,
    )


def _train(current: _Run, console: Console) -> dict[str, float | None]:
    """Takes the steps that are left; returns their timing, empty if there are none."""
    options = current.options
    if current.step == options.steps:
        return {}
    start = time.perf_counter()
    iterator = feed.iterate(
        feed.distribute(
            current.strategy,
            lambda shard: feed.train_batches(options, start_step=current.step, shard=shard),
        )
    )
    train_step = steps.make_train_step(
        current.strategy,
        current.model,
        current.optimizer,
        clip_norm=options.clip_norm,
        use_xla=options.xla == "on",
    )
    log = TensorBoardLog(options.workdir) if current.writes_files else None
    step_s: list[float] = []
    wait_s: list[float] = []
    rows: list[int] = []
    any_worker = make_agreement(current.strategy)
    bar = ProgressBar(console, "training", total=options.steps, done=current.step)
    with StopRequests() as requests, bar:
        for number in range(current.step + 1, options.steps + 1):
            batch = _next_batch(iterator, options, number)
            fed = time.perf_counter()
            row = _take_step(train_step, batch, options, number)
            has_to_stop = any_worker(requests.received is not None)
            end = time.perf_counter()
            step_s.append(end - start)
            wait_s.append(fed - start)
            start = end
            if not np.isfinite(row).all():
                raise TrainingError(
                    f"the loss or its gradient is not finite at step {number} "
                    f"(loss {row[0]:g}, gradient norm {row[2]:g}), on "
                    f"{_clips_of(options, number)}: try a smaller --learning_rate or a "
                    "--clip_norm in another --workdir"
                )
            current.history = np.concatenate([current.history, row[np.newaxis, :3]])
            rows.append(int(row[3]))
            figures = {
                "loss": float(row[0]),
                "accuracy": float(row[1]),
                "gradient_norm": float(row[2]),
                "clips_per_s": rows[-1] / step_s[-1],
                "input_wait_fraction": wait_s[-1] / step_s[-1],
            }
            bar.advance(_figures(figures))
            if log:
                log.scalars(number, figures)
                if number == 1:
                    log.clips(options)
                    log.graph(train_step.get_concrete_function(batch).graph)
            last = number == options.steps
            if last or has_to_stop or number % options.checkpoint_every == 0:
                _save(current)
            if has_to_stop and not last:
                # A worker that was not asked itself leaves as if it had been.
                raise RunInterruptedError(requests.received or signal.SIGTERM, number)
            # Logging and saving are not part of the next step.
            start = time.perf_counter()
    if log:
        log.close()
    return {**summary.timing(step_s, wait_s, rows)}


def _next_batch(iterator: Any, options: TrainOptions, number: int) -> Any:
    try:
        return next(iterator)
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        if options.data != "tfds":
            raise
        raise TrainingError(
            f"the stored dataset is corrupt ({_first_line(error)}; at step {number}, on "
            f"{_clips_of(options, number)}): find out where with python -m "
            "dotmotion_tfds.verify, or delete it to build it afresh"
        ) from None


def _take_step(train_step: Any, batch: Any, options: TrainOptions, number: int) -> Any:
    try:
        return train_step(batch).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise TrainingError(
            f"step {number} can't be taken on {_clips_of(options, number)}: "
            f"{_first_line(error)}"
        ) from None


def _clips_of(options: TrainOptions, number: int) -> str:
    """The clips of a step, which is counted from 1, in words."""
    indices = feed.train_indices(options, number - 1).tolist()
    of_split = "of the training split"
    if len(indices) > 1 and indices == list(range(indices[0], indices[-1] + 1)):
        return f"clips {indices[0]} to {indices[-1]} {of_split}"
    return f"clips {', '.join(map(str, indices))} {of_split}"


def _first_line(error: tf.errors.OpError) -> str:
    """What an error says, without where in a graph it was, which tells a user nothing."""
    text = str(error.message).splitlines()[0]
    text = re.sub(r"\{\{[^}]*\}\}\s*", "", text)
    text = re.sub(r"^Error in user-defined function .*? Iterator::\S+ ", "", text)
    if text.startswith("assertion failed: "):
        # Each value that it shows stands in brackets.
        text = text.removeprefix("assertion failed: ").replace("] [", " ").strip("[]")
    return text.strip()


def _sum_up(
    current: _Run,
    timing: dict[str, float | None],
    earlier: dict[str, Any] | None,
    console: Console,
) -> dict[str, Any]:
    options = current.options
    if not timing:
        # Nothing was left to train: only the figures of the last time can tell its speed.
        timing = {name: (earlier or {}).get(name) for name in summary.TIMING_FIGURES}
    result = {
        **summary.describe_options(options),
        "strategy": options.strategy,
        "num_replicas": current.strategy.num_replicas_in_sync,
        "devices": strategies.describe(current.strategy),
        "steps": current.step,
        "params": current.model.count_params(),
        **_evaluate(current, console),
        **timing,
        "final_train_loss": float(current.history[-1, 0]),
        "weights_sha256": summary.weights_sha256(current.model.get_weights()),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
    if current.writes_files:
        summary.write(options.workdir, result)
    return result


def _evaluate(current: _Run, console: Console) -> dict[str, Any]:
    options, strategy = current.options, current.strategy
    replicas = strategy.num_replicas_in_sync
    batch_size = -(-_EVAL_BATCH_SIZE // replicas) * replicas
    batches = feed.distribute(
        strategy,
        lambda shard: feed.eval_batches(options, batch_size=batch_size, shard=shard),
    )
    eval_step = steps.make_eval_step(
        strategy, current.model, len(CLASS_NAMES), use_xla=options.xla == "on"
    )
    loss_sum = 0.0
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES)), np.int64)
    total = -(-options.eval_clips // batch_size)
    with ProgressBar(console, "evaluating", total=total) as bar:
        for batch in batches:
            batch_loss, batch_confusion = eval_step(batch)
            loss_sum += float(batch_loss)
            confusion += batch_confusion.numpy().astype(np.int64)
            accuracy = np.trace(confusion) / confusion.sum()
            bar.advance(f"accuracy {accuracy:.4f}")
    return summary.evaluation(loss_sum, confusion)


def _save(current: _Run) -> None:
    if not current.writes_files:
        return
    arrays = {
        f"{kind}/{number:03d}": np.asarray(variable)
        for kind, variables in _variables(current).items()
        for number, variable in enumerate(variables)
    }
    arrays["history"] = current.history
    checkpoints.save(
        current.options.workdir / "checkpoints",
        checkpoints.Checkpoint(current.step, arrays),
    )


def _restore(current: _Run, checkpoint: checkpoints.Checkpoint) -> None:
    for kind, variables in _variables(current).items():
        for number, variable in enumerate(variables):
            variable.assign(checkpoint.arrays[f"{kind}/{number:03d}"])
    current.history = np.asarray(checkpoint.arrays["history"], np.float32)


def _variables(current: _Run) -> dict[str, list[keras.Variable]]:
    return {"model": current.model.weights, "optimizer": current.optimizer.variables}


def _figures(figures: dict[str, float]) -> str:
    return (
        f"loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.3f}  "
        f"{figures['clips_per_s']:.0f} clips/s"
    )
