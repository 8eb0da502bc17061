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
from typing import Any

from dotmotion_tfds import json_file, quiet_start
from dotmotion_tfds.command_line import Flags, UsageError, fail, run
from dotmotion_tfds.files import built_datasets
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
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_describe)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    folders = built_datasets.find_datasets(given["data_dir"], given["config"])
    if given["out"] == "":
        raise UsageError("--out is empty: expected a directory")
    if not (given["url"] or "https://").startswith(("http://", "https://")):
        raise UsageError(
            f"--url={given['url']!r} is not usable: expected a web page's address, "
            "such as 'https://example.org/moving-dot'"
        )
    return {**given, "folders": folders}


def _describe(options: dict[str, Any]) -> int:
    # Wrong usage is reported without waiting for TensorFlow, which some features need, and
    # mlcroissant.
    quiet_start.import_tensorflow()
    from dotmotion_tfds.files import croissant_metadata, shard_files

    status = 0
    for folder in options["folders"]:
        try:
            builder = built_datasets.open_dataset(folder)
            shard_files.require_complete(builder)
            document = croissant_metadata.describe(builder.info, url=options["url"])
        except (SpecError, OSError) as error:
            status = fail(SpecError(f"{folder}: {error}"), 1)
            continue
        path = folder / FILE_NAME
        if options["out"] is not None:
            root = pathlib.Path(os.path.expanduser(options["out"]))
            # <root>/moving_dot/<config>/<version>, as under --data_dir.
            path = root.joinpath(*path.parts[-4:])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            json_file.write(path, document)
        except OSError as error:
            return fail(OSError(f"{error.strerror}: {str(path)!r}; see --out"), 1)
        print(path, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv))
