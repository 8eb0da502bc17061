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

import sys
from collections.abc import Sequence

from dotmotion_tfds import built_datasets, quiet_start
from dotmotion_tfds.command_line import USAGE_ERROR, Flags, UsageError, fail
from dotmotion_tfds.configs import config_named
from dotmotion_tfds.spec import SPLITS, SpecError


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("data_dir", None, "root of the built datasets")
    flags.string("config", None, "verify only this config, by its directory's name")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    try:
        given = define_flags().parse(argv)
        if given is None:
            print(define_flags().help(str(__doc__)))
            return 0
        folders = built_datasets.find_datasets(given["data_dir"], given["config"])
        named = [(folder, config_named(folder.parent.name)) for folder in folders]
    except (UsageError, SpecError) as error:
        return fail(error, USAGE_ERROR)
    # Wrong usage is reported without waiting for TensorFlow.
    quiet_start.import_tensorflow()
    from tqdm import tqdm

    from dotmotion_tfds import verification

    sound = True
    for folder, config in named:
        try:
            info = built_datasets.open_dataset(folder).info
        except SpecError as error:
            return fail(error, 1)
        for split in SPLITS:
            with tqdm(
                total=config.split_size(split),
                desc=f"{folder.parent.name}, {split}",
                unit=" clips",
                leave=False,
                disable=None,
            ) as bar:
                problem = verification.first_problem(info, split, config, bar.update)
            sound &= problem is None
            size = config.split_size(split)
            verdict = f"all {size:,} clips are right" if problem is None else problem
            print(f"{folder}, {split}: {verdict}", flush=True)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
