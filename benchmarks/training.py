"""Compares training and inference steps: fast layers, stock layers and PyTorch.

Examples:
  python -m benchmarks.training --json=benchmarks/results/training.json
      both models, about ten minutes on two cores
  python -m benchmarks.training --peers
      PyTorch too, eager and compiled: `pip install '.[peers]'` and a C++ compiler
  python -m benchmarks.training --models=cnn_lstm --repeats=3
      one of them

A training step is the trainers' own: forward, backward, clipping and optimizer on a batch
that stays in memory. All arms start from the same weights, and their loss on the first
batch has to agree.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import ceilings, keras_steps, measure, measured_run, torch_steps
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds.command_line import Flags, UsageError, run
from dotmotion_tfds.spec import MAX_BATCH_SIZE, require_integer
from trainers.architecture import FILTERS, KERNEL_SIZES, LSTM_UNITS
from trainers.recipes import MODELS

_KINDS = ("train", "infer")
_KERAS = ("stock", "fast")
_PYTORCH = ("PyTorch", "torch.compile")


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.string("models", ",".join(MODELS), "which models, separated by commas")
    flags.integer("batch_size", 32, "clips in a step")
    flags.integer("repeats", 5, "rounds that are counted, after one that is not")
    flags.boolean("peers", "measure PyTorch too")
    return flags


def step_flops(model: str, batch_size: int, clip_shape: Sequence[int]) -> dict[str, float]:
    """Floating-point operations of a step by the layers' definitions.

    Multiplications and additions of the convolutions and of the LSTM's input; what
    reformulations add is not counted, so that a fraction of a ceiling is one of useful
    work.

    Args:
      model: 'cnn_lstm' or 'conv_lstm'.
      batch_size: clips in a step.
      clip_shape: (frames, height, width, channels).

    Returns:
      Those of 'infer', and of 'train': three times as many.
    """
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
    return {"infer": batch_size * forward, "train": 3 * batch_size * forward}


def measure_training(
    model_names: Sequence[str],
    *,
    batch_size: int,
    repeats: int,
    peers: bool = False,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures training and inference steps of each model in each way.

    Args:
      model_names: which models.
      batch_size: clips in a step.
      repeats: rounds that are counted.
      peers: whether to measure PyTorch too.
      advance: called with the arm's name after each turn.

    Returns:
      The result, ready for a JSON file.

    Raises:
      benchmarks.measure.MeasureError: if a turn fails or computes something else.
    """
    sgemm = measure.compare([ceilings.sgemm_arm()], repeats=repeats, advance=advance)
    flops_per_s = sgemm["sgemm"].summary("flops")
    result: dict[str, Any] = {
        "benchmark": "training",
        "batch_size": batch_size,
        "fingerprint": fingerprint(),
        "ceilings": {"sgemm": flops_per_s},
        "models": {name: {} for name in model_names},
    }
    for name in model_names:
        weights = keras_steps.initial_weights(name)
        flops = step_flops(name, batch_size, (20, 50, 130, 1))
        for kind in _KINDS:
            arms = _arms(kind, name, weights, batch_size, peers=peers)
            samples = measure.compare(arms, repeats=repeats, advance=advance)
            floor_ms = 1000 * flops[kind] / flops_per_s["flops_per_s"]
            ways = {way: _summary(samples[way]) for way in samples if way != _CONTROL}
            result["models"][name][kind] = {
                "ways": ways,
                "fast_vs": {
                    way: measure.ratio(samples, "fast", way)
                    for way in ways
                    if way != "fast"
                },
                "control": measure.ratio(samples, "fast", _CONTROL),
                **_of_resident(samples),
                "sgemm_floor_ms": round(floor_ms, 1),
                "fraction_of_sgemm": round(floor_ms / ways["fast"]["step_ms"], 3),
            }
    return result


_CONTROL = "fast again"
_STREAMED = "fast, fed by the stream"


def _arms(
    kind: str, model_name: str, weights: Any, batch_size: int, *, peers: bool
) -> list[measure.Arm]:
    def of_keras(name: str, layers: str) -> measure.Arm:
        arguments = (kind, model_name, layers, weights, batch_size)
        return measure.Arm(name, keras_steps.prepare, arguments, kind)

    arms = [*(of_keras(layers, layers) for layers in _KERAS), of_keras(_CONTROL, "fast")]
    if kind == "train":
        of_stream = (kind, model_name, "fast", weights, batch_size, keras_steps.STREAM)
        arms.append(measure.Arm(_STREAMED, keras_steps.prepare, of_stream, kind))
    for name in _PYTORCH if peers else ():
        arguments = (kind, model_name, name == "torch.compile", weights, batch_size)
        arms.append(measure.Arm(name, torch_steps.prepare, arguments, kind))
    return arms


def _of_resident(samples: Mapping[str, measure.Samples]) -> dict[str, Any]:
    """The rate of training from the stream, over that on one batch in memory."""
    if _STREAMED not in samples:
        return {}
    return {"stream_of_resident": measure.ratio(samples, _STREAMED, "fast")}


def _summary(samples: measure.Samples) -> dict[str, Any]:
    summary = samples.summary("clips")
    step_ms = round(1000 * samples.count / summary["clips_per_s"], 1)
    return {**summary, "step_ms": step_ms, **samples.notes}


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each model, kind of step and way."""
    lines = [["step", "way", "time", "fast is", "first step", "peak memory"]]
    for model_name, kinds in result["models"].items():
        for kind, figures in kinds.items():
            for way, of_way in figures["ways"].items():
                faster = figures["fast_vs"].get(way)
                share = f"{figures['fraction_of_sgemm']:.0%} of SGEMM"
                lines.append(
                    [
                        f"{model_name}, {kind}",
                        way,
                        f"{of_way['step_ms']:,.0f} ms",
                        share if faster is None else f"{faster['ratio']:.2f}x",
                        f"{of_way['first_step_s']:.1f} s",
                        f"{of_way['peak_mib']:,.0f} MiB",
                    ]
                )
    return lines


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
    if given["peers"] and importlib.util.find_spec("torch") is None:
        raise UsageError("--peers and PyTorch is not installed: pip install '.[peers]'")
    path = measured_run.place_of_result(given["json"])
    return {**given, "models": model_names, "json": path}


def _measure(options: dict[str, Any]) -> int:
    arms = len(_KERAS) + 1 + (len(_PYTORCH) if options["peers"] else 0)
    # One more when training.
    of_model = len(_KINDS) * arms + 1
    turns = (options["repeats"] + 1) * (1 + len(options["models"]) * of_model)
    return measured_run.run(
        lambda _, advance: measure_training(
            options["models"],
            batch_size=options["batch_size"],
            repeats=options["repeats"],
            peers=options["peers"],
            advance=advance,
        ),
        turns=turns,
        show=_show,
        json=options["json"],
    )


def _show(result: Mapping[str, Any]) -> None:
    controls = {
        f"{model_name}, {kind}": figures["control"]
        for model_name, kinds in result["models"].items()
        for kind, figures in kinds.items()
    }
    notes = measured_run.controls(controls)
    for model_name, kinds in result["models"].items():
        for figures in kinds.values():
            if "stream_of_resident" in figures:
                ratio = figures["stream_of_resident"]["ratio"]
                notes.append(
                    f"{model_name} trains from the stream at {ratio:.3f} of its rate on "
                    "one batch"
                )
    measured_run.print_table(table(result), texts=2, notes=notes)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
