"""Trains by the recipes of the trainers, from several seeds, and says how it went.

Examples:
  python -m benchmarks.recipes --json=benchmarks/results/recipes.json
      every preset and model from five seeds, about an hour on two cores
  python -m benchmarks.recipes --models=cnn_lstm --presets=standard --seeds=3
      one of them

Each run is `python -m trainers.main` in a process of its own, evaluated on 1,000 clips that
it was not trained on.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import measured_run
from benchmarks.arms import MeasureError
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds.command_line import Flags, run
from dotmotion_tfds.spec import require_integer
from trainers.recipes import MODELS, PRESETS


class RunFailedError(MeasureError):
    """A run did not end well; the message is one line."""


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.string("models", ",".join(MODELS), "which models, separated by commas")
    flags.string("presets", ",".join(PRESETS), "which presets, separated by commas")
    flags.integer("seeds", 5, "runs of each, with seeds 0, 1, ...")
    flags.integer("steps", None, "optimizer steps, the recipe's by default")
    return flags


def measure_recipes(
    presets: Sequence[str],
    model_names: Sequence[str],
    *,
    seeds: int,
    steps: int | None,
    folder: pathlib.Path,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Trains by each recipe from each seed.

    Args:
      presets: which presets.
      model_names: which models.
      seeds: how many seeds, from 0.
      steps: optimizer steps, or None for the recipe's.
      folder: an empty directory to work in.
      advance: called with what was run after each run.

    Returns:
      The result, ready for a JSON file: for each preset and model the figures of each seed.

    Raises:
      RunFailedError: if a run fails.
    """
    recipes: dict[str, Any] = {}
    for preset in presets:
        for model_name in model_names:
            runs = []
            for seed in range(seeds):
                workdir = folder / f"{preset}-{model_name}-{seed}"
                runs.append(_train(preset, model_name, seed, steps, workdir))
                advance(f"{preset} {model_name} {seed}")
            recipes.setdefault(preset, {})[model_name] = runs
    return {"benchmark": "recipes", "fingerprint": fingerprint(), "recipes": recipes}


def _train(
    preset: str, model_name: str, seed: int, steps: int | None, workdir: pathlib.Path
) -> dict[str, Any]:
    given = {"preset": preset, "model": model_name, "seed": seed, "workdir": workdir}
    if steps is not None:
        given["steps"] = steps
    flags = [f"--{name}={value}" for name, value in given.items()]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "trainers.main", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    wall_s = time.perf_counter() - start
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
        raise RunFailedError(f"{' '.join(flags)} ended with {done.returncode}: {last}")
    summary = json.loads((workdir / "summary.json").read_text(encoding="utf-8"))
    return {
        "seed": seed,
        "steps": summary["steps"],
        "test_accuracy": summary["test_accuracy"],
        "test_clips": summary["test_clips"],
        "train_s": round(summary["train_s"], 1),
        "wall_s": round(wall_s, 1),
    }


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each recipe."""
    lines = [["preset, model", "steps", "accuracy by seed", "training", "in all"]]
    for preset, models in result["recipes"].items():
        for model_name, runs in models.items():
            accuracies = ", ".join(f"{run['test_accuracy']:.3f}" for run in runs)
            lines.append(
                [
                    f"{preset}, {model_name}",
                    str(runs[0]["steps"]),
                    accuracies,
                    _span([run["train_s"] for run in runs]),
                    _span([run["wall_s"] for run in runs]),
                ]
            )
    return lines


def _span(seconds: Sequence[float]) -> str:
    return f"{min(seconds):.0f} to {max(seconds):.0f} s"


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_measure)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    require_integer("seeds", given["seeds"], 1, 1000)
    if given["steps"] is not None:
        require_integer("steps", given["steps"], 1, 1_000_000)
    return {
        **given,
        "models": measured_run.chosen("models", given["models"], MODELS),
        "presets": measured_run.chosen("presets", given["presets"], PRESETS),
        "json": measured_run.place_of_result(given["json"]),
    }


def _measure(options: dict[str, Any]) -> int:
    total = len(options["presets"]) * len(options["models"]) * options["seeds"]
    return measured_run.run(
        lambda folder, advance: measure_recipes(
            options["presets"],
            options["models"],
            seeds=options["seeds"],
            steps=options["steps"],
            folder=folder,
            advance=advance,
        ),
        turns=total,
        unit="runs",
        show=lambda result: measured_run.print_table(table(result), texts=2),
        json=options["json"],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv))
