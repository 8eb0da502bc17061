"""Counts what the clips of each class of one split look like.

Examples:
  python -m dotmotion_tfds.statistics_report
      the training split of config standard
  python -m dotmotion_tfds.statistics_report --config=notebook --split=test
      the test split of the notebook's clips
  python -m dotmotion_tfds.statistics_report --seed=7 --clips=100000 --json=seed7.json
      the first 100,000 clips of another seed, and the figures in a file

A pixel is lit if any of its values differs from the ground, a frame is blank and a clip
black if no pixel is lit; with sensor noise none of this can be told. Rows and columns are
those of the dot's centres, in pixels.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from dotmotion_tfds import json_file
from dotmotion_tfds.class_statistics import ClassStatistics, class_statistics
from dotmotion_tfds.command_line import Flags, fail, run
from dotmotion_tfds.configs import CONFIG_HELP, NamedConfig, resolve_config
from dotmotion_tfds.spec import (
    CLASS_NAMES,
    require_integer,
    require_seed,
    require_split,
)

# Shorter work needs no bar.
_SECONDS_BEFORE_BAR = 2.0


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("config", "standard", CONFIG_HELP)
    flags.string("split", "train", "train or test")
    flags.integer("seed", 0, "of the clips; the stored dataset has seed 0")
    flags.integer("clips", None, "how many, from the first on; the whole split by default")
    flags.string("json", None, "file to write the figures to as well")
    return flags


def figures(statistics: ClassStatistics, all_clips: int, *, noisy: bool) -> dict[str, Any]:
    """What is reported of one class, as JSON values; None for what can't be told.

    Args:
      statistics: of the class.
      all_clips: clips of all classes.
      noisy: whether sensor noise hides which pixels are lit.
    """
    return {
        "clips": statistics.clips,
        "share": statistics.clips / all_clips,
        "black_clips": None if noisy else statistics.black_clips,
        "blank_frame_fraction": None if noisy else statistics.blank_fraction,
        "mean_value": statistics.mean_value,
        "lit_pixel_fraction": None if noisy else statistics.lit_fraction,
        **{
            f"{axis}_{name}": getattr(spread, attribute)
            for axis, spread in (("row", statistics.rows), ("column", statistics.columns))
            for name, attribute in (
                ("mean", "mean"),
                ("deviation", "deviation"),
                ("min", "lowest"),
                ("max", "highest"),
            )
        },
        "centers_outside_fraction": statistics.outside_fraction,
    }


def report(
    statistics: Sequence[ClassStatistics], config: NamedConfig, *, split: str, seed: int
) -> dict[str, Any]:
    """What is written with `--json`: the options and the figures of each class.

    Args:
      statistics: of each class, by label.
      config: the clips' configuration.
      split: the split's name.
      seed: of the clips.
    """
    all_clips = sum(of_class.clips for of_class in statistics)
    return {
        "config": config.name,
        "split": split,
        "seed": seed,
        "clips": all_clips,
        "ground": config.spec.ground_level,
        "classes": {
            name: figures(of_class, all_clips, noisy=config.spec.sensor_noise > 0)
            for name, of_class in zip(CLASS_NAMES, statistics, strict=True)
        },
    }


def print_table(told: dict[str, Any]) -> None:
    """Prints what `report` gave as a table, a column for each class."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    which = f"{told['config']}, {told['split']}"
    table = Table(title=Text(f"{which}: {told['clips']:,} clips, seed {told['seed']}"))
    table.add_column("")
    for name in told["classes"]:
        table.add_column(name, justify="right")
    for title, name, form in (
        ("clips", "clips", ",d"),
        ("share", "share", ".2%"),
        ("black clips", "black_clips", ",d"),
        ("blank frames", "blank_frame_fraction", ".2%"),
        ("mean value, 0 to 255", "mean_value", ".4f"),
        ("lit pixels", "lit_pixel_fraction", ".4%"),
        ("row, mean", "row_mean", ".2f"),
        ("row, deviation", "row_deviation", ".2f"),
        ("row, min", "row_min", "d"),
        ("row, max", "row_max", "d"),
        ("column, mean", "column_mean", ".2f"),
        ("column, deviation", "column_deviation", ".2f"),
        ("column, min", "column_min", "d"),
        ("column, max", "column_max", "d"),
        ("centres outside", "centers_outside_fraction", ".2%"),
    ):
        of_classes = (of_class[name] for of_class in told["classes"].values())
        table.add_row(
            title, *("-" if value is None else format(value, form) for value in of_classes)
        )
    Console().print(table)


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_report)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    config = resolve_config(given["config"])
    split = require_split(given["split"])
    clips = config.split_size(split)
    if given["clips"] is not None:
        clips = require_integer("clips", given["clips"], 1, 1 << 62)
    json = given["json"]
    return {
        "config": config,
        "split": split,
        "seed": require_seed(given["seed"]),
        "clips": clips,
        "json": None if json is None else json_file.require_place(json),
    }


def _report(options: dict[str, Any]) -> int:
    config, split, seed = options["config"], options["split"], options["seed"]
    from tqdm import tqdm

    with tqdm(
        total=options["clips"],
        desc=f"{config.name}, {split}",
        unit=" clips",
        delay=_SECONDS_BEFORE_BAR,
        leave=False,
        disable=None,
    ) as bar:
        statistics = class_statistics(
            config.spec,
            split=split,
            seed=seed,
            num_clips=options["clips"],
            advance=bar.update,
        )
    told = report(statistics, config, split=split, seed=seed)
    print_table(told)
    if options["json"] is not None:
        try:
            json_file.write(options["json"], told)
        except OSError as error:
            return fail(
                OSError(f"{error.strerror}: {str(options['json'])!r}; see --json"), 1
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
