"""The figures of a finished run, and the file they are kept in."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from dotmotion_tfds import CLASS_NAMES
from trainers.options import TrainOptions

FILE_NAME = "summary.json"
TIMING_FIGURES = (
    "examples_per_s",
    "step_ms_median",
    "input_wait_fraction",
    "first_step_s",
    "train_s",
)


def weights_sha256(weights: Sequence[np.ndarray]) -> str:
    """SHA-256 over all weights in order: shape, type and little-endian bytes of each."""
    digest = hashlib.sha256()
    for weight in weights:
        array = np.ascontiguousarray(weight)
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{array.shape} {array.dtype.name} ".encode())
        digest.update(little_endian.tobytes())
    return digest.hexdigest()


def timing(
    step_s: Sequence[float], wait_s: Sequence[float], rows: Sequence[int]
) -> dict[str, float]:
    """Throughput of the steps of one process.

    The first step traces and compiles, so the others stand for the run where there are
    any.

    Args:
      step_s: seconds of each step, waiting for its batch included.
      wait_s: seconds that each step waited for its batch.
      rows: clips that each step trained on.

    Returns:
      `examples_per_s`, clips over time; `step_ms_median`; `input_wait_fraction`,
      waiting over all time; `first_step_s`; `train_s`, all steps.
    """
    steady_step_s = step_s[1:] or step_s
    steady_wait_s = wait_s[1:] or wait_s
    return {
        "examples_per_s": sum(rows[1:] or rows) / sum(steady_step_s),
        "step_ms_median": 1e3 * statistics.median(steady_step_s),
        "input_wait_fraction": sum(steady_wait_s) / sum(steady_step_s),
        "first_step_s": step_s[0],
        "train_s": sum(step_s),
    }


def evaluation(loss_sum: float, confusion: np.ndarray) -> dict[str, Any]:
    """Figures of one pass over the test clips.

    Args:
      loss_sum: the loss summed over clips.
      confusion: `[classes, classes]` counts; rows are true classes.

    Returns:
      `test_accuracy` in [0, 1], `test_loss` (mean), `test_clips`,
      `test_accuracy_by_class` (None for a class without clips) and `confusion`.
    """
    clips = int(confusion.sum())
    by_class = {}
    for label, name in enumerate(CLASS_NAMES):
        of_class = int(confusion[label].sum())
        by_class[name] = int(confusion[label, label]) / of_class if of_class else None
    return {
        "test_accuracy": int(np.trace(confusion)) / clips,
        "test_loss": loss_sum / clips,
        "test_clips": clips,
        "test_accuracy_by_class": by_class,
        "confusion": confusion.tolist(),
    }


def describe_options(options: TrainOptions) -> dict[str, Any]:
    """The options that a summary repeats, as JSON values."""
    return {
        "model": options.model,
        "layers": options.layers,
        "nesting": options.nesting,
        "lstm_activation": options.lstm_activation,
        "precision": options.precision,
        "xla": options.xla,
        "config": options.config.name,
        "data": options.data,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "clip_norm": options.clip_norm,
        "recurrent_max_norm": options.recurrent_max_norm,
        "seed": options.seed,
        "deterministic": options.deterministic,
        "workdir": str(options.workdir),
    }


def write(workdir: pathlib.Path, summary: dict[str, Any]) -> pathlib.Path:
    """Writes `summary.json`, replacing an earlier one as a whole."""
    path = workdir / FILE_NAME
    part = workdir / f".{FILE_NAME}.{os.getpid()}.part"
    try:
        part.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def read(workdir: pathlib.Path) -> dict[str, Any] | None:
    """The summary that an earlier run left, or None."""
    try:
        found = json.loads((workdir / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
