"""A file of a split's frames: written once, by one process, and complete or absent."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pathlib

import numpy as np

from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.spec import ClipSpec

# Part of every file's name: raise it when the same options come to mean other frames.
FRAMES_VERSION = 1
_CHUNK_BYTES = 16 << 20


def write_if_missing(
    directory: str | os.PathLike[str],
    *,
    spec: ClipSpec,
    split: str,
    seed: int,
    num_clips: int,
) -> pathlib.Path:
    """Makes sure that the file of clips 0 to `num_clips` - 1 exists.

    The file's name tells all that its content depends on, so options that differ never
    share a file. It gets that name only when it is whole and on disk. Processes that ask
    at once wait for the one that writes; what a killed one left is removed by the next.

    Args:
      directory: where the file lives; made if missing.
      spec: the clips' geometry.
      split: the split's name.
      seed: the dataset's seed.
      num_clips: clips in the file.

    Returns:
      The path of a file of `num_clips * spec.clip_bytes` bytes: uint8
      `[num_clips, frames, height, width, channels]` in row-major order, with no header.

    Raises:
      OSError: if the directory or the file can't be written.
    """
    folder = pathlib.Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    identity = f"{spec!r} {split!r} {seed!r} {num_clips!r} {FRAMES_VERSION!r}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    path = folder / f"{spec.slug()}-{split}-seed{seed}-{digest}.frames"
    if _is_whole(path, num_clips * spec.clip_bytes):
        return path
    with open(path.with_suffix(".lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_whole(path, num_clips * spec.clip_bytes):
            _write(path, spec=spec, split=split, seed=seed, num_clips=num_clips)
    return path


def _is_whole(path: pathlib.Path, num_bytes: int) -> bool:
    try:
        return path.stat().st_size == num_bytes
    except FileNotFoundError:
        return False


def _write(
    path: pathlib.Path, *, spec: ClipSpec, split: str, seed: int, num_clips: int
) -> None:
    part = path.with_suffix(".part")
    chunk = max(1, _CHUNK_BYTES // spec.clip_bytes)
    try:
        with open(part, "wb") as file:
            for first in range(0, num_clips, chunk):
                indices = np.arange(first, min(first + chunk, num_clips), dtype=np.int64)
                rendered = elements.render_clips(
                    NUMPY, spec, indices, split=split, seed=seed
                )
                file.write(rendered["video"].data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
