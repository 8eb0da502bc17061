"""Writes a filmstrip (PNG) and an animation (GIF) of one clip of each class.

Examples:
  python -m dotmotion_tfds.preview --out=previews
      the first clip of each class of config standard
  python -m dotmotion_tfds.preview --config=notebook --split=test --first=40
      the first of each class from clip 40 of the notebook's test split on
  python -m dotmotion_tfds.preview --config='{"frames": 10, "height": 32, "width": 64}'
      clips of another geometry

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from dotmotion_tfds import elements, pictures
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.command_line import Flags, UsageError, fail, run
from dotmotion_tfds.configs import CONFIG_HELP, NamedConfig, resolve_config
from dotmotion_tfds.spec import (
    CLASS_NAMES,
    require_integer,
    require_seed,
    require_split,
)


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("config", "standard", CONFIG_HELP)
    flags.string("split", "train", "train or test")
    flags.integer("seed", 0, "of the clips; the stored dataset has seed 0")
    flags.integer("first", 0, "clip to start from; four in a row hold each class")
    flags.string("out", "previews", "directory to write to, made if missing")
    return flags


def write_previews(
    *, folder: pathlib.Path, config: NamedConfig, split: str, seed: int, first: int
) -> list[pathlib.Path]:
    """Writes `<config>-<class>.png` and `<config>-<class>.gif` for each class.

    Args:
      folder: where to write; made if missing. Files of the same name are replaced.
      config: the clips' configuration.
      split: the split's name.
      seed: of the clips.
      first: clip to start from, not negative.

    Returns:
      The paths of the files.

    Raises:
      OSError: if a file can't be written; none is left half-written.
    """
    # Seven in a row hold a whole block of four, and so each class.
    clips = elements.render_clips(
        NUMPY, config.spec, first + np.arange(7), split=split, seed=seed
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for label, name in enumerate(CLASS_NAMES):
        video = clips["video"][np.argmax(clips["label"] == label)]
        for content, suffix in (
            (pictures.png(pictures.filmstrip(video)), "png"),
            (pictures.animation(video), "gif"),
        ):
            path = folder / f"{config.name}-{name}.{suffix}"
            part = path.with_suffix(f".{suffix}.part")
            try:
                part.write_bytes(content)
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
            written.append(path)
    return written


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_write)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    if not given["out"]:
        raise UsageError("--out is empty: expected a directory")
    return {
        "folder": pathlib.Path(given["out"]).expanduser(),
        "config": resolve_config(given["config"]),
        "split": require_split(given["split"]),
        "seed": require_seed(given["seed"]),
        "first": require_integer("first", given["first"], 0, 1 << 62),
    }


def _write(options: dict[str, Any]) -> int:
    try:
        written = write_previews(**options)
    except OSError as error:
        return fail(OSError(f"{error.strerror}: {str(options['folder'])!r}; see --out"), 1)
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
