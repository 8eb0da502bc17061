"""What it costs that TensorFlow's operations run in a fixed order."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import keras_steps, measure, single_steps
from benchmarks.arms import Arm

_PLAIN, _AGAIN, _FIXED = "as it comes", "as it comes, again", "deterministic"


def measure_determinism(
    model_name: str,
    weights: Any,
    batch_size: int,
    *,
    repeats: int,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures one model with fast layers on one device.

    Args:
      model_name: 'cnn_lstm' or 'conv_lstm'.
      weights: what all arms start from.
      batch_size: clips in a step.
      repeats: rounds that are counted.
      advance: called with the arm's name after each turn.

    Returns:
      Milliseconds of a step by arm under 'step_ms', the rate with a fixed order over that
      without under 'of_plain', and 'control', the same arm twice.

    Raises:
      benchmarks.arms.MeasureError: if a turn fails, or the arms do not agree on the
        loss of the first batch.
    """
    plain = keras_steps.Step("train", model_name, "fast", batch_size)
    fixed = dataclasses.replace(plain, deterministic=True)
    group = "determinism"
    arms = single_steps.arms(dict.fromkeys((_PLAIN, _AGAIN), plain), weights, group)
    arms.append(Arm(_FIXED, keras_steps.prepare, (fixed, weights), group))
    samples = measure.compare(
        arms, repeats=repeats, order=_order(batch_size), advance=advance
    )
    return {
        "step_ms": {
            name: round(1000 * statistics.median(samples[name].seconds), 1)
            for name in (_PLAIN, _FIXED)
        },
        "of_plain": measure.ratio(samples, _FIXED, _PLAIN),
        "control": measure.ratio(samples, _PLAIN, _AGAIN),
    }


def turns(batch_size: int, repeats: int) -> int:
    """How many turns `measure_determinism` takes for one model."""
    return len(_order(batch_size)) * (repeats + 1)


def _order(batch_size: int) -> list[str]:
    return single_steps.order((_PLAIN, _AGAIN), [_FIXED], batch_size=batch_size)


def table(determinism: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each model.

    Args:
      determinism: what `measure_determinism` found, by model.
    """
    lines = [["model", "step", "deterministic", "rate, of that without", "control"]]
    for model_name, found in determinism.items():
        ratio, control = found["of_plain"], found["control"]
        lines.append(
            [
                model_name,
                f"{found['step_ms'][_PLAIN]:,.1f} ms",
                f"{found['step_ms'][_FIXED]:,.1f} ms",
                f"{ratio['ratio']:.3f} ({ratio['ratio_min']:.3f} to "
                f"{ratio['ratio_max']:.3f})",
                f"{control['ratio']:.3f}",
            ]
        )
    return lines
