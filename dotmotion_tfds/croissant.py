"""Writes a Croissant document for each built dataset.

Examples:
  python -m dotmotion_tfds.croissant --data_dir=/data
      croissant.json next to the files of all datasets of moving dots under /data
  python -m dotmotion_tfds.croissant --data_dir=/data --config=standard
      only for those of one config
  python -m dotmotion_tfds.croissant --data_dir=/data --out=documents
      documents/moving_dot/<config>/<version>/croissant.json, and nothing in /data

Croissant is the metadata format of MLCommons. Documents name the files relative to
themselves, so one that was written elsewhere belongs next to the files, too. Check one with
`mlcroissant validate --jsonld FILE`.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Sequence

from dotmotion_tfds import built_datasets, json_file, quiet_start
from dotmotion_tfds.command_line import USAGE_ERROR, Flags, UsageError, fail
from dotmotion_tfds.spec import SpecError

FILE_NAME = "croissant.json"


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("data_dir", None, "root of the built datasets")
    flags.string("config", None, "describe only this config, by its directory's name")
    flags.string("out", None, "root to write to, made if missing; --data_dir by default")
    flags.string("url", None, "web page of the datasets, if they have one")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    try:
        given = define_flags().parse(argv)
        if given is None:
            print(define_flags().help(str(__doc__)))
            return 0
        folders = built_datasets.find_datasets(given["data_dir"], given["config"])
        if given["out"] == "":
            raise UsageError("--out is empty: expected a directory")
        if not (given["url"] or "https://").startswith(("http://", "https://")):
            raise UsageError(
                f"--url={given['url']!r} is not usable: expected a web page's address, "
                "such as 'https://example.org/moving-dot'"
            )
    except UsageError as error:
        return fail(error, USAGE_ERROR)
    # Wrong usage is reported without waiting for TensorFlow, which some features need, and
    # mlcroissant.
    quiet_start.import_tensorflow()
    from dotmotion_tfds import croissant_metadata, shard_files

    for folder in folders:
        try:
            builder = built_datasets.open_dataset(folder)
            shard_files.require_complete(builder)
            document = croissant_metadata.describe(builder.info, url=given["url"])
        except (SpecError, OSError) as error:
            return fail(error, 1)
        path = folder / FILE_NAME
        if given["out"] is not None:
            root = pathlib.Path(os.path.expanduser(given["out"]))
            # <root>/moving_dot/<config>/<version>, as under --data_dir.
            path = root.joinpath(*path.parts[-4:])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            json_file.write(path, document)
        except OSError as error:
            return fail(OSError(f"{error.strerror}: {str(path)!r}; see --out"), 1)
        print(path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
