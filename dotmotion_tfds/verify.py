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

import os
import pathlib
import sys
from collections.abc import Sequence

from dotmotion_tfds import quiet_start
from dotmotion_tfds.command_line import USAGE_ERROR, Flags, UsageError, fail
from dotmotion_tfds.configs import config_named
from dotmotion_tfds.spec import SPLITS, SpecError

_DATASET = "moving_dot"


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("data_dir", None, "root of the built datasets")
    flags.string("config", None, "verify only this config, by its directory's name")
    return flags


def find_datasets(data_dir: pathlib.Path, config: str | None) -> list[pathlib.Path]:
    """The directories of built datasets, `<data_dir>/moving_dot/<config>/<version>`.

    Raises:
      UsageError: if there is none.
    """
    found = [
        path.parent
        for path in sorted(data_dir.glob(f"{_DATASET}/*/*/dataset_info.json"))
        if config in (None, path.parent.parent.name)
    ]
    if not found:
        which = "" if config is None else f" of config {config!r}"
        raise UsageError(
            f"no built {_DATASET}{which} under {str(data_dir)!r}: expected a directory "
            f"such as {os.path.join(data_dir, _DATASET, config or 'standard', '1.0.0')!r}; "
            "name the root of the built datasets with --data_dir"
        )
    return found


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    try:
        given = define_flags().parse(argv)
        if given is None:
            print(define_flags().help(str(__doc__)))
            return 0
        if given["data_dir"] is None:
            raise UsageError("--data_dir is missing: expected the root of the datasets")
        folders = find_datasets(
            pathlib.Path(given["data_dir"]).expanduser(), given["config"]
        )
        named = [(folder, config_named(folder.parent.name)) for folder in folders]
    except (UsageError, SpecError) as error:
        return fail(error, USAGE_ERROR)
    # Wrong usage is reported without waiting for TensorFlow.
    quiet_start.import_tensorflow()
    import tensorflow_datasets as tfds
    from tqdm import tqdm

    from dotmotion_tfds import verification

    sound = True
    for folder, config in named:
        try:
            info = tfds.builder_from_directory(folder).info
        except Exception as error:  # TFDS raises whatever a broken JSON file leads to
            return fail(UsageError(f"{folder}: unreadable metadata ({error})"), 1)
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
