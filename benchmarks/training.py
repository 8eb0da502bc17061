"""Compares the two models and the ways to train them: fast layers, stock ones, PyTorch.

Examples:
  python -m benchmarks.training --json=benchmarks/results/training.json
      everything, about forty minutes on two cores
  python -m benchmarks.training --parts=steps --peers
      with PyTorch, eager and compiled: `pip install '.[peers]'` and a C++ compiler
  python -m benchmarks.training --parts=feed --models=cnn_lstm
      how fast the stream feeds a model: two and a half minutes
  python -m benchmarks.training --parts=grid --models=cnn_lstm --batch_sizes=16,128
      other batches

The parts are

  steps        steps of each model in each way, on a batch that stays in memory
  feed         training steps of the fast layers on batches in memory and from the stream
  determinism  what `--deterministic` costs a training step
  grid         training steps from the stream by layers, batch size, strategy and replicas
  accuracy     training by the default recipe until 0.99 of 1,000 unseen clips are right

A training step is the trainers' own: forward, backward, clipping and optimizer. All arms
start from the same weights, and their loss on the first batch has to agree. The control is
the fast layers again, in the same process.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import (
    ceilings,
    keras_steps,
    measure,
    measured_run,
    single_steps,
    time_to_accuracy,
    torch_steps,
    training_determinism,
    training_feed,
    training_grid,
)
from benchmarks.arms import Arm
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds.command_line import Flags, UsageError, run
from dotmotion_tfds.spec import MAX_BATCH_SIZE, require_integer
from trainers.architecture import FILTERS, KERNEL_SIZES, LSTM_UNITS
from trainers.recipes import MODELS

PARTS = ("steps", "feed", "determinism", "grid", "accuracy")
_KINDS = ("train", "infer")
_FAST = ("fast", "fast again")
_PYTORCH = ("PyTorch", "torch.compile")


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.string("models", ",".join(MODELS), "which models, separated by commas")
    flags.string("parts", ",".join(PARTS), "which parts, separated by commas")
    flags.integer("batch_size", 32, "clips in a step, for the parts steps and feed")
    flags.string("batch_sizes", "8,32,64", "clips in a step, for the part grid")
    flags.string("layers", ",".join(training_grid.LAYERS), "for the part accuracy")
    flags.integer("seeds", 3, "runs of each, for the part accuracy")
    flags.integer("repeats", 5, "rounds that are counted, after one that is not")
    flags.integer("at_once", 1, "processes to start at a time; first steps are slower then")
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


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
      models: which models.
      parts: of `PARTS`.
      batch_size: clips in a step of the parts 'steps', 'feed' and 'determinism'.
      batch_sizes: clips in a step of the part 'grid', multiples of its replicas.
      layers: 'fast', 'stock' or both, for the part 'accuracy'.
      seeds: runs of each, for the part 'accuracy'.
      repeats: rounds that are counted.
      at_once: processes that are started at a time for the part 'steps'.
      peers: whether to measure PyTorch too.
    """

    models: Sequence[str]
    parts: Sequence[str] = PARTS
    batch_size: int = 32
    batch_sizes: Sequence[int] = (8, 32, 64)
    layers: Sequence[str] = training_grid.LAYERS
    seeds: int = 3
    repeats: int = 5
    at_once: int = 1
    peers: bool = False

    @property
    def turns(self) -> int:
        """How many times `measure_training` calls `advance`."""
        turns = self.repeats + 1
        if "steps" in self.parts:
            of_round = sum(
                len(_order(kind, self.batch_size, peers=self.peers)) for kind in _KINDS
            )
            turns += (self.repeats + 1) * len(self.models) * of_round
        if "feed" in self.parts:
            turns += len(self.models) * training_feed.turns(self.batch_size, self.repeats)
        if "determinism" in self.parts:
            turns += len(self.models) * training_determinism.turns(
                self.batch_size, self.repeats
            )
        if "grid" in self.parts:
            of_model = training_grid.turns(self.batch_sizes, self.repeats)
            turns += len(self.models) * of_model
        if "accuracy" in self.parts:
            turns += len(self.models) * len(self.layers) * self.seeds
        return turns


def measure_training(plan: Plan, *, advance: Callable[[str], Any]) -> dict[str, Any]:
    """Measures the parts of a plan.

    Args:
      plan: what to measure.
      advance: called with the arm's name after each turn.

    Returns:
      The result, ready for a JSON file.

    Raises:
      benchmarks.arms.MeasureError: if a turn fails or computes something else.
    """
    sgemm = measure.compare([ceilings.sgemm_arm()], repeats=plan.repeats, advance=advance)
    flops_per_s = sgemm["sgemm"].summary("flops")

    def floor_ms(model_name: str, kind: str, batch_size: int) -> float:
        flops = step_flops(model_name, batch_size, (20, 50, 130, 1))[kind]
        return 1000 * flops / float(flops_per_s["flops_per_s"])

    result: dict[str, Any] = {
        "benchmark": "training",
        "batch_size": plan.batch_size,
        "fingerprint": fingerprint(),
        "ceilings": {"sgemm": flops_per_s},
        "models": {},
    }
    for name in plan.models:
        weights = keras_steps.initial_weights(name)
        if "steps" in plan.parts:
            result["models"][name] = {}
            for kind in _KINDS:
                floor = floor_ms(name, kind, plan.batch_size)
                result["models"][name][kind] = _measure_steps(
                    kind, name, weights, plan, floor, advance
                )
        if "feed" in plan.parts:
            result.setdefault("feed", {})[name] = training_feed.measure_feed(
                name, weights, plan.batch_size, repeats=plan.repeats, advance=advance
            )
        if "determinism" in plan.parts:
            of_model = training_determinism.measure_determinism(
                name, weights, plan.batch_size, repeats=plan.repeats, advance=advance
            )
            result.setdefault("determinism", {})[name] = of_model
        if "grid" in plan.parts:
            result.setdefault("grid", {})[name] = training_grid.measure_grid(
                name,
                weights,
                plan.batch_sizes,
                repeats=plan.repeats,
                floor_ms=functools.partial(floor_ms, name, "train"),
                advance=advance,
            )
    if "accuracy" in plan.parts:
        result["accuracy"] = time_to_accuracy.measure_accuracy(
            plan.models, plan.layers, plan.seeds, advance=advance
        )
    return result


def _measure_steps(
    kind: str,
    model_name: str,
    weights: Any,
    plan: Plan,
    floor_ms: float,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    arms = _arms(kind, model_name, weights, plan.batch_size, peers=plan.peers)
    samples = measure.compare(
        arms,
        repeats=plan.repeats,
        order=_order(kind, plan.batch_size, peers=plan.peers),
        at_once=plan.at_once,
        advance=advance,
    )
    fast, again = _FAST
    ways = {way: _summary(samples[way]) for way in samples if way != again}
    return {
        "ways": ways,
        "fast_vs": {way: measure.ratio(samples, fast, way) for way in ways if way != fast},
        "control": measure.ratio(samples, fast, again),
        "sgemm_floor_ms": round(floor_ms, 1),
        "fraction_of_sgemm": round(floor_ms / ways[fast]["step_ms"], 3),
    }


def _arms(
    kind: str, model_name: str, weights: Any, batch_size: int, *, peers: bool
) -> list[Arm]:
    def of(layers: str) -> keras_steps.Step:
        return keras_steps.Step(kind, model_name, layers, batch_size)

    arms = [Arm("stock", keras_steps.prepare, (of("stock"), weights), kind)]
    arms += single_steps.arms(dict.fromkeys(_FAST, of("fast")), weights, kind)
    for name in _PYTORCH if peers else ():
        arguments = (kind, model_name, name == "torch.compile", weights, batch_size)
        arms.append(Arm(name, torch_steps.prepare, arguments, kind))
    return arms


def _order(kind: str, batch_size: int, *, peers: bool) -> list[str]:
    others = ["stock", *(_PYTORCH if peers else ())]
    return single_steps.order(_FAST, others, batch_size=batch_size, kind=kind)


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


def parts(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Tables besides that of the steps, by what they show."""
    found = {}
    if "feed" in result:
        found["feed"] = training_feed.table(result["feed"])
    if "determinism" in result:
        found["determinism"] = training_determinism.table(result["determinism"])
    if "grid" in result:
        found["grid"] = training_grid.table(result["grid"])
    if "accuracy" in result:
        found["accuracy"] = time_to_accuracy.table(result["accuracy"])
    return found


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_measure)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    models = measured_run.chosen("models", given["models"], MODELS)
    parts = measured_run.chosen("parts", given["parts"], PARTS)
    layers = measured_run.chosen("layers", given["layers"], training_grid.LAYERS)
    require_integer("batch_size", given["batch_size"], 1, MAX_BATCH_SIZE)
    require_integer("seeds", given["seeds"], 1, 1000)
    require_integer("repeats", given["repeats"], 1, 1000)
    require_integer("at_once", given["at_once"], 1, 64)
    if given["peers"] and importlib.util.find_spec("torch") is None:
        raise UsageError("--peers and PyTorch is not installed: pip install '.[peers]'")
    plan = Plan(
        models=models,
        parts=parts,
        batch_size=given["batch_size"],
        batch_sizes=_batch_sizes(given["batch_sizes"]),
        layers=layers,
        seeds=given["seeds"],
        repeats=given["repeats"],
        at_once=given["at_once"],
        peers=given["peers"],
    )
    return {"plan": plan, "json": measured_run.place_of_result(given["json"])}


def _batch_sizes(text: str) -> list[int]:
    replicas = max(training_grid.REPLICAS)
    sizes = [int(size) if size.isdecimal() else 0 for size in text.split(",")]
    if any(size % replicas or not 0 < size <= MAX_BATCH_SIZE for size in sizes):
        raise UsageError(
            f"--batch_sizes={text!r}: expected multiples of {replicas} up to "
            f"{MAX_BATCH_SIZE}, such as 8,32"
        )
    return list(dict.fromkeys(sizes))


def _measure(options: dict[str, Any]) -> int:
    plan: Plan = options["plan"]
    return measured_run.run(
        lambda _, advance: measure_training(plan, advance=advance),
        turns=plan.turns,
        show=_show,
        json=options["json"],
    )


def _show(result: Mapping[str, Any]) -> None:
    if result["models"]:
        measured_run.print_table(table(result), texts=2)
    for name, lines in parts(result).items():
        measured_run.print_table(lines, title=name, texts=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
