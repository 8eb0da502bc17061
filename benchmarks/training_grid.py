"""Training steps by layers, batch size, strategy and replicas, fed from the stream.

The control is the fast layers on one device again, in the same process and a step of one
after a step of the other. What is compared across processes can be off by more: two of one
program differ by up to 9 %, so new ones of the fast layers on one device, with which the
others are compared, come in every round.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import keras_steps, measure, single_steps
from benchmarks.arms import Arm

LAYERS = ("stock", "fast")
# One device, and MirroredStrategy over one and two logical CPUs.
REPLICAS = (0, 1, 2)


def measure_grid(
    model_name: str,
    weights: Any,
    batch_sizes: Sequence[int],
    *,
    repeats: int,
    floor_ms: Callable[[int], float],
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures one model; arms with batches of the same size take turns.

    Args:
      model_name: 'cnn_lstm' or 'conv_lstm'.
      weights: what all arms start from.
      batch_sizes: clips in a step, multiples of 2.
      repeats: rounds that are counted.
      floor_ms: the time at this machine's best that the multiplications of a step with
        so many clips take.
      advance: called with the arm's name after each turn.

    Returns:
      For each of `LAYERS` the figures by setting; ratios of rates within rounds under
      'fast_vs_stock' and 'replicas_vs_one_device', and under 'controls' those of the same
      arm twice, for each batch size.

    Raises:
      benchmarks.arms.MeasureError: if a turn fails, or arms with the same clips do not
        agree on the loss.
    """
    found: dict[str, Any] = {layers: {} for layers in LAYERS}
    found |= {"fast_vs_stock": {}, "replicas_vs_one_device": {}, "controls": {}}
    for batch_size in batch_sizes:
        samples = measure.compare(
            _arms(model_name, batch_size, weights),
            repeats=repeats,
            order=_order(batch_size),
            advance=advance,
        )
        pair = _pair(batch_size)
        found["controls"][_setting(batch_size, 0)] = measure.ratio(samples, *pair)
        for replicas in REPLICAS:
            setting = _setting(batch_size, replicas)
            for layers in LAYERS:
                found[layers][setting] = _summary(
                    samples[_name(layers, batch_size, replicas)], floor_ms(batch_size)
                )
            found["fast_vs_stock"][setting] = measure.ratio(
                samples,
                _name("fast", batch_size, replicas),
                _name("stock", batch_size, replicas),
            )
            if replicas:
                found["replicas_vs_one_device"][setting] = measure.ratio(
                    samples,
                    _name("fast", batch_size, replicas),
                    _name("fast", batch_size, 0),
                )
    return found


def turns(batch_sizes: Sequence[int], repeats: int) -> int:
    """How many turns `measure_grid` takes for one model."""
    return sum(len(_order(batch_size)) for batch_size in batch_sizes) * (repeats + 1)


def _pair(batch_size: int) -> tuple[str, str]:
    """What others are compared with, and its control."""
    name = _name("fast", batch_size, 0)
    return name, f"{name}, again"


def _others(batch_size: int) -> dict[str, tuple[str, int]]:
    """Layers and replicas of the other arms."""
    every = {
        _name(layers, batch_size, replicas): (layers, replicas)
        for replicas in REPLICAS
        for layers in LAYERS
    }
    return {name: arm for name, arm in every.items() if name not in _pair(batch_size)}


def _order(batch_size: int) -> list[str]:
    return single_steps.order(_pair(batch_size), _others(batch_size), batch_size=batch_size)


def _arms(model_name: str, batch_size: int, weights: Any) -> list[Arm]:
    def step(layers: str, replicas: int) -> keras_steps.Step:
        return keras_steps.Step(
            "train", model_name, layers, batch_size, kept_batches=0, replicas=replicas
        )

    group = str(batch_size)
    arms = single_steps.arms(
        dict.fromkeys(_pair(batch_size), step("fast", 0)), weights, group
    )
    for name, arm in _others(batch_size).items():
        arms.append(Arm(name, keras_steps.prepare, (step(*arm), weights), group))
    return arms


def _name(layers: str, batch_size: int, replicas: int) -> str:
    return f"{layers}, {_setting(batch_size, replicas)}"


def _setting(batch_size: int, replicas: int) -> str:
    if not replicas:
        return f"{batch_size} clips, one_device"
    ending = "" if replicas == 1 else "s"
    return f"{batch_size} clips, mirrored, {replicas} replica{ending}"


def _summary(samples: measure.Samples, floor_ms: float) -> dict[str, Any]:
    step_ms = 1000 * statistics.median(samples.seconds)
    return {
        **samples.summary("clips"),
        "step_ms": round(step_ms, 1),
        "fraction_of_sgemm": round(floor_ms / step_ms, 3),
        **samples.notes,
    }


def table(grid: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each model and setting.

    Args:
      grid: what `measure_grid` found, by model.
    """
    lines = [
        [
            "model, setting",
            "stock clips/s",
            "fast clips/s",
            "fast is",
            "fast step",
            "input wait",
            "of SGEMM",
            "peak memory",
        ]
    ]
    for model_name, found in grid.items():
        for setting, fast in found["fast"].items():
            lines.append(
                [
                    f"{model_name}, {setting}",
                    f"{found['stock'][setting]['clips_per_s']:,.1f}",
                    f"{fast['clips_per_s']:,.1f}",
                    f"{found['fast_vs_stock'][setting]['ratio']:.2f}x",
                    f"{fast['step_ms']:,.0f} ms",
                    f"{fast['input_wait_fraction']:.1%}",
                    f"{fast['fraction_of_sgemm']:.0%}",
                    f"{fast['peak_mib']:,.0f} MiB",
                ]
            )
    return lines
