"""Compares training and inference steps of both models, stock layers against fast ones.

Examples:
  python -m benchmarks.training --json=benchmarks/results/training.json
      both models, about ten minutes on two cores
  python -m benchmarks.training --models=cnn_lstm --repeats=3
      one of them

A training step is the trainers' own: forward, backward, clipping and optimizer on a batch
that stays in memory. All arms start from the same weights, and their loss on the first
batch has to agree.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import ceilings, measure
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds import json_file, quiet_start
from dotmotion_tfds.command_line import Flags, UsageError, fail, run
from dotmotion_tfds.spec import MAX_BATCH_SIZE, require_integer
from trainers.recipes import MODELS

_LAYERS = ("stock", "fast")
_KINDS = ("train", "infer")
# Shorter turns vary more between rounds than arms that are worth comparing.
_LEAST_SECONDS = 2.0
_CLIP_NORM = 1.0


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.string("models", ",".join(MODELS), "which models, separated by commas")
    flags.integer("batch_size", 32, "clips in a step")
    flags.integer("repeats", 5, "rounds that are counted, after one that is not")
    return flags


def step_flops(model: str, batch_size: int, clip_shape: Sequence[int]) -> float:
    """Floating-point operations of a training step by the layers' definitions.

    Multiplications and additions of the convolutions and of the LSTM's input, forward and
    twice that backward; what reformulations add is not counted, so that a fraction of a
    ceiling is one of useful work.

    Args:
      model: 'cnn_lstm' or 'conv_lstm'.
      batch_size: clips in a step.
      clip_shape: (frames, height, width, channels).
    """
    from trainers.models import FILTERS, KERNEL_SIZES, LSTM_UNITS

    frames, height, width, channels = clip_shape
    forward = 0.0
    for size in KERNEL_SIZES:
        pixel = 2 * size * size * FILTERS
        if model == "cnn_lstm":
            forward += frames * height * width * pixel * channels
        else:
            # Four gates; the state of the first frame is zero.
            state = (frames - 1) * FILTERS
            forward += 4 * height * width * pixel * (frames * channels + state)
        height, width, channels = height // 2, width // 2, FILTERS
    if model == "cnn_lstm":
        forward += frames * 2 * 4 * LSTM_UNITS * height * width * channels
    return 3 * batch_size * forward


def prepare_steps(
    kind: str, model_name: str, layers: str, batch_size: int
) -> Callable[[], measure.Work]:
    """A turn of as many steps as fill two seconds; the time is that of one."""
    quiet_start.import_tensorflow()
    import keras
    import tensorflow as tf

    import dotmotion_tfds
    from trainers import models, steps

    clips = dotmotion_tfds.clips(range(batch_size))
    batch = {
        "video": clips["video"],
        "label": clips["label"],
        "weight": tf.ones(batch_size),
    }
    start = time.perf_counter()
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    with strategy.scope():
        model = models.build(model_name, layers=layers)
        optimizer = keras.optimizers.Adam(1e-3)
        optimizer.build(model.trainable_variables)
    if kind == "train":
        train_step = steps.make_train_step(strategy, model, optimizer, clip_norm=_CLIP_NORM)
        step = lambda: float(train_step(batch)[0])  # noqa: E731
    else:
        infer = tf.function(lambda: model(models.normalize(batch["video"])))
        step = lambda: float(tf.reduce_sum(infer()))  # noqa: E731
    first = step()
    first_step_s = time.perf_counter() - start
    print_line = f"{kind} {model_name} {layers}: first step {first_step_s:.1f} s"

    def turn() -> measure.Work:
        times: list[float] = []
        while sum(times) < _LEAST_SECONDS or len(times) < 2:
            begin = time.perf_counter()
            value = step()
            times.append(time.perf_counter() - begin)
            if not math.isfinite(value):
                raise measure.MeasureError(f"{print_line}: the loss is {value}")
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        return measure.Work(
            count=batch_size,
            # Agreement of what all arms computed from the same weights.
            checksum=round(first * 1000),
            seconds=sum(times) / len(times),
            notes={"first_step_s": round(first_step_s, 2), "peak_mib": peak_mib},
        )

    return turn


def measure_training(
    model_names: Sequence[str],
    *,
    batch_size: int,
    repeats: int,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures training and inference steps of each model with each kind of layers.

    Args:
      model_names: which models.
      batch_size: clips in a step.
      repeats: rounds that are counted.
      advance: called with the arm's name after each turn.

    Returns:
      The result, ready for a JSON file.

    Raises:
      benchmarks.measure.MeasureError: if a turn fails or computes something else.
    """
    result: dict[str, Any] = {
        "benchmark": "training",
        "batch_size": batch_size,
        "fingerprint": fingerprint(),
        "models": {},
    }
    sgemm = measure.compare([ceilings.sgemm_arm()], repeats=repeats, advance=advance)
    flops_per_s = sgemm["sgemm"].summary("flops")
    result["ceilings"] = {"sgemm": flops_per_s}
    for model_name in model_names:
        figures: dict[str, Any] = {}
        for kind in _KINDS:
            arms = [
                measure.Arm(
                    layers, prepare_steps, (kind, model_name, layers, batch_size), kind
                )
                for layers in _LAYERS
            ]
            samples = measure.compare(arms, repeats=repeats, advance=advance)
            figures[kind] = {
                **{layers: _summary(samples[layers]) for layers in _LAYERS},
                "fast_vs_stock": measure.ratio(samples, "fast", "stock"),
            }
        floor_ms = (
            1000
            * step_flops(model_name, batch_size, (20, 50, 130, 1))
            / flops_per_s["flops_per_s"]
        )
        figures["sgemm_floor_ms"] = round(floor_ms, 1)
        figures["fraction_of_sgemm"] = round(
            floor_ms / figures["train"]["fast"]["step_ms"], 3
        )
        result["models"][model_name] = figures
    return result


def _summary(samples: measure.Samples) -> dict[str, Any]:
    summary = samples.summary("clips")
    step_ms = round(1000 * samples.count / summary["clips_per_s"], 1)
    return {**summary, "step_ms": step_ms, **samples.notes}


_HEADINGS = (
    "stock",
    "fast",
    "fast vs. stock",
    "of SGEMM",
    "first step, stock and fast",
    "peak memory, stock and fast",
)


def rows(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of cells for each model and kind of step, its name first."""
    lines = []
    for model_name, figures in result["models"].items():
        for kind in _KINDS:
            of_kind = figures[kind]
            stock, fast = of_kind["stock"], of_kind["fast"]
            lines.append(
                [
                    f"{model_name}, {kind}",
                    f"{stock['step_ms']:,.0f} ms",
                    f"{fast['step_ms']:,.0f} ms",
                    f"{of_kind['fast_vs_stock']['ratio']:.1f}x",
                    f"{figures['fraction_of_sgemm']:.0%}" if kind == "train" else "",
                    f"{stock['first_step_s']:.1f} s, {fast['first_step_s']:.1f} s",
                    f"{stock['peak_mib']:,} MiB, {fast['peak_mib']:,} MiB",
                ]
            )
    return lines


def markdown(result: Mapping[str, Any]) -> str:
    """A result as the table that the documentation shows."""
    lines = [f"| step | {' | '.join(_HEADINGS)} |", "|---" * (len(_HEADINGS) + 1) + "|"]
    lines += [f"| {' | '.join(cells)} |" for cells in rows(result)]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_measure)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    model_names = given["models"].split(",")
    for name in model_names:
        if name not in MODELS:
            raise UsageError(f"--models={given['models']!r}: expected some of {MODELS}")
    require_integer("batch_size", given["batch_size"], 1, MAX_BATCH_SIZE)
    require_integer("repeats", given["repeats"], 1, 1000)
    json = given["json"]
    path = None if json is None else json_file.require_place(json)
    return {**given, "models": model_names, "json": path}


def _measure(options: dict[str, Any]) -> int:
    rounds = options["repeats"] + 1
    turns = rounds * (1 + len(options["models"]) * len(_KINDS) * len(_LAYERS))
    try:
        with tqdm(total=turns, unit=" turns", leave=False, disable=None) as bar:

            def advance(name: str) -> None:
                bar.set_postfix_str(name, refresh=False)
                bar.update()

            result = measure_training(
                options["models"],
                batch_size=options["batch_size"],
                repeats=options["repeats"],
                advance=advance,
            )
        table = Table("step", *_HEADINGS)
        for cells in rows(result):
            table.add_row(*cells)
        Console(width=120).print(table)
        if options["json"] is not None:
            json_file.write(options["json"], result)
    except (measure.MeasureError, OSError) as error:
        return fail(error, 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
