"""Checkpoints of a run: written aside and renamed, hashed, the last few kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

_NAME = re.compile(r"step_(\d{10})")
_ARRAYS = "state.npz"
_MANIFEST = "manifest.json"
_PART_PREFIX = ".part-"
_KEEP = 3
# What reading a cut, flipped or forged checkpoint can lead to.
_BROKEN = (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state of a run after a step.

    Attributes:
      step: optimizer steps done.
      arrays: variables and history by name.
    """

    step: int
    arrays: Mapping[str, Any]


def save(folder: pathlib.Path, checkpoint: Checkpoint) -> pathlib.Path:
    """Writes a checkpoint, which appears under its name only when it is whole.

    Args:
      folder: directory of the run's checkpoints; made if missing.
      checkpoint: what to write. The arrays hold numbers only.

    Returns:
      The directory of the checkpoint.

    Raises:
      OSError: if it can't be written; earlier checkpoints are left as they were.
    """
    final = folder / f"step_{checkpoint.step:010d}"
    if final.exists():
        if _is_whole(final):
            return final
        shutil.rmtree(final)
    folder.mkdir(parents=True, exist_ok=True)
    for left_by_a_killed_run in folder.glob(f"{_PART_PREFIX}*"):
        shutil.rmtree(left_by_a_killed_run, ignore_errors=True)
    part = pathlib.Path(tempfile.mkdtemp(prefix=_PART_PREFIX, dir=folder))
    try:
        with open(part / _ARRAYS, "wb") as file:
            np.savez(file, **checkpoint.arrays)
            _sync(file.fileno())
        manifest = {
            "step": checkpoint.step,
            "sha256": {_ARRAYS: _sha256(part / _ARRAYS)},
        }
        with open(part / _MANIFEST, "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=2)
            file.flush()
            _sync(file.fileno())
        os.replace(part, final)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)
    for old in [path for path in _by_step(folder) if _is_whole(path)][:-_KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def load_latest(folder: pathlib.Path) -> Checkpoint | None:
    """Reads the newest checkpoint that is whole, or returns None if there is none.

    One whose hash does not fit is passed over for the one before, with a warning.
    Pickled objects are never loaded, and no array that says to be larger than its file.
    """
    for path in reversed(_by_step(folder)):
        try:
            return _load(path)
        except _BROKEN as error:
            logging.warning("passing over the broken checkpoint %s: %s", path, error)
    return None


def _is_whole(path: pathlib.Path) -> bool:
    try:
        _load(path)
    except _BROKEN:
        return False
    return True


def _load(path: pathlib.Path) -> Checkpoint:
    manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
    expected = manifest["sha256"][_ARRAYS]
    found = _sha256(path / _ARRAYS)
    if found != expected:
        raise ValueError(f"{_ARRAYS} has SHA-256 {found}, expected {expected}")
    _require_honest_sizes(path / _ARRAYS)
    with np.load(path / _ARRAYS, allow_pickle=False) as arrays:
        return Checkpoint(int(manifest["step"]), {name: arrays[name] for name in arrays})


def _require_honest_sizes(path: pathlib.Path) -> None:
    """Checks, before any memory is taken, that arrays are as large as what is stored.

    Raises:
      ValueError: if one says to be larger or is compressed, as none that `save` writes.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                if version != (1, 0):
                    raise ValueError(f"{member.filename} has a header of another version")
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                told = math.prod(shape) * dtype.itemsize
                stored = member.file_size - file.tell()
            if dtype.hasobject or told != stored:
                raise ValueError(
                    f"{member.filename} says to be {told} bytes, and is {stored}"
                )


def _by_step(folder: pathlib.Path) -> list[pathlib.Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)
