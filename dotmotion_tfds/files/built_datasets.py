"""Finding and opening the datasets that were built under a root."""

from __future__ import annotations

import os
import pathlib

import tensorflow_datasets as tfds

from dotmotion_tfds.command_line import UsageError
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from dotmotion_tfds.spec import SpecError

_DATASET = "moving_dot"


def find_datasets(data_dir: str | None, config: str | None) -> list[pathlib.Path]:
    """The directories of built datasets, `<data_dir>/moving_dot/<config>/<version>`.

    Args:
      data_dir: the root, as it was given on the command line; None if it was not.
      config: name of the only config to look for, None for all.

    Returns:
      The directories, sorted; at least one.

    Raises:
      UsageError: if there is none, or no root was given.
    """
    if data_dir is None:
        raise UsageError("--data_dir is missing: expected the root of the datasets")
    if "://" in data_dir:
        raise UsageError(
            f"--data_dir={data_dir!r} is not on this machine: expected a directory; copy "
            "the dataset here, or mount its bucket"
        )
    root = pathlib.Path(os.path.expanduser(data_dir))
    found = [
        path.parent
        for path in sorted(root.glob(f"{_DATASET}/*/*/dataset_info.json"))
        if config in (None, path.parent.parent.name)
        and tfds.core.Version.is_valid(path.parent.name)
    ]
    if not found:
        which = "" if config is None else f" of config {config!r}"
        raise UsageError(
            f"no built {_DATASET}{which} under {str(root)!r}: expected a directory "
            f"such as {os.path.join(root, _DATASET, config or 'standard', '1.0.0')!r}; "
            "name the root of the built datasets with --data_dir"
        )
    return found


def open_dataset(folder: pathlib.Path) -> tfds.core.DatasetBuilder:
    """The builder of a dataset that was built into `folder`, for reading.

    Raises:
      SpecError: if its metadata can't be read, or its version is newer than this code's.
    """
    version = tfds.core.Version(folder.name)
    if version > Builder.VERSION:
        raise SpecError(
            f"version {version} is newer than version {Builder.VERSION} of this "
            "code: update dotmotion to read it"
        )
    try:
        return tfds.builder_from_directory(folder)
    except Exception as error:  # TFDS raises whatever a broken JSON file leads to
        reason = " ".join(str(error).split())
        raise SpecError(f"unreadable metadata ({reason})") from error
