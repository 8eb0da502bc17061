"""Finding and opening the datasets that were built under a root."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from dotmotion_tfds.command_line import UsageError
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from dotmotion_tfds.spec import SpecError

_DATASET = "moving_dot"
# TFDS imports whatever module a dataset's features.json names.
_FEATURES_OF_TFDS = "tensorflow_datasets.core.features."
_CLASS_KEYS = ("pythonClassName", "python_class_name", "type")
_MOST_BYTES = 1 << 20


def find_datasets(data_dir: str | None, config: str | None) -> list[pathlib.Path]:
    """The directories of built datasets, `<data_dir>/moving_dot/<config>/<version>`.

    Args:
      data_dir: the root, as it was given on the command line; None if it was not.
      config: name of the only config to look for, None for all.

    Returns:
      The directories, sorted; at least one.

    Raises:
      UsageError: if there is none, or no root was given or it can't be looked into.
    """
    if data_dir is None:
        raise UsageError("--data_dir is missing: expected the root of the datasets")
    if "://" in data_dir:
        raise UsageError(
            f"--data_dir={data_dir!r} is not on this machine: expected a directory; copy "
            "the dataset here, or mount its bucket"
        )
    root = pathlib.Path(os.path.expanduser(data_dir))
    try:
        documents = sorted(root.glob(f"{_DATASET}/*/*/dataset_info.json"))
    except OSError as error:
        raise UsageError(
            f"--data_dir={data_dir!r} can't be looked into ({error.strerror}): expected "
            "the root of the datasets"
        ) from error
    found = [
        path.parent
        for path in documents
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
      SpecError: if its metadata can't be read, name code that is not of TFDS, or its
        version is newer than this code's.
    """
    version = tfds.core.Version(folder.name)
    if version > Builder.VERSION:
        raise SpecError(
            f"version {version} is newer than version {Builder.VERSION} of this "
            "code: update dotmotion to read it"
        )
    try:
        _require_features_of_tfds(folder)
        return tfds.builder_from_directory(folder)
    except Exception as error:  # TFDS raises whatever a broken JSON file leads to
        reason = " ".join(str(error).split())
        raise SpecError(f"unreadable metadata ({reason})") from error


def _require_features_of_tfds(folder: pathlib.Path) -> None:
    path = folder / "features.json"
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"{path.name} has {size} bytes: expected {_MOST_BYTES} at most")
    for name in _class_names(json.loads(path.read_text(encoding="utf-8"))):
        if not name.startswith(_FEATURES_OF_TFDS):
            raise ValueError(
                f"{path.name} names the class {name!r}: expected one of "
                f"{_FEATURES_OF_TFDS}*; it is not the file that was built"
            )


def _class_names(value: Any) -> Iterator[str]:
    """All Python classes that a features.json names, at any depth."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in _CLASS_KEYS and isinstance(each, str):
                yield each
            else:
                yield from _class_names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _class_names(each)
