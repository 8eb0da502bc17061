"""Re-derives every record of built datasets from its index and compares.

Examples:
  python -m dotmotion_tfds.verify --data_dir=/data
      all datasets of moving dots under /data
  python -m dotmotion_tfds.verify --data_dir=/data --config=standard
      only those of one config

Reports the first shard and record of each split that differs, is missing, doubled, out of
place or cut.

Exit status: 0 all right, 1 something is wrong, 2 wrong usage.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from dotmotion_tfds import quiet_start
from dotmotion_tfds.command_line import Flags, fail, run
from dotmotion_tfds.configs import config_named
from dotmotion_tfds.files import built_datasets
from dotmotion_tfds.spec import SPLITS, SpecError


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("data_dir", None, "root of the built datasets")
    flags.string("config", None, "verify only this config, by its directory's name")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_find, work=_verify)


def _find(given: dict[str, Any]) -> list[pathlib.Path]:
    return built_datasets.find_datasets(given["data_dir"], given["config"])


def _verify(folders: list[pathlib.Path]) -> int:
    # Wrong usage is reported without waiting for TensorFlow.
    quiet_start.import_tensorflow()
    from tqdm import tqdm

    from dotmotion_tfds.files import verification

    status = 0
    for folder in folders:
        try:
            info = built_datasets.open_dataset(folder).info
            config = config_named(folder.parent.name)
        except SpecError as error:
            status = fail(SpecError(f"{folder}: {error}"), 1)
            continue
        for split in SPLITS:
            with tqdm(
                total=config.split_size(split),
                desc=f"{folder.parent.name}, {split}",
                unit=" clips",
                leave=False,
                disable=None,
            ) as bar:
                try:
                    problem = verification.first_problem(info, split, config, bar.update)
                except OSError as error:
                    problem = verification.Problem(
                        split, str(error.filename or folder), None, str(error.strerror)
                    )
            verdict = f"all {config.split_size(split):,} clips are right"
            if problem is not None:
                verdict, status = str(problem), 1
            print(f"{folder}, {split}: {verdict}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
