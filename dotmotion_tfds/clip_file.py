"""A file of a split's frames: written once, by one process, and complete or absent.

A second file beside it holds the SHA-256 of each part of it. A process checks them all
before it uses the file, once.
"""

from __future__ import annotations

import concurrent.futures
import fcntl
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import logging

from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.spec import ClipSpec

# Part of every file's name: raise it when the same options come to mean other frames.
FRAMES_VERSION = 1
_CHUNK_BYTES = 16 << 20
# Files that this process has found to be right, as they were then.
_checked: set[tuple[str, int, int, int]] = set()


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
    at once wait for the one that writes; what a killed one left is removed by the next. A
    file whose bytes are not those that were written is written again, with a warning.

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
    if _is_right(path, num_clips * spec.clip_bytes):
        return path
    with open(path.with_suffix(".lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_right(path, num_clips * spec.clip_bytes):
            if path.exists():
                logging.warning("writing %s again: it is not as it was written", path)
            _write(path, spec=spec, split=split, seed=seed, num_clips=num_clips)
    return path


def _is_right(path: pathlib.Path, num_bytes: int) -> bool:
    """Whether a file is there, whole, and holds the bytes that were written."""
    try:
        found = path.stat()
        if found.st_size != num_bytes:
            return False
        seen = (os.fspath(path), found.st_ino, found.st_mtime_ns, found.st_size)
        if seen not in _checked:
            sums = json.loads(_sums_path(path).read_text(encoding="utf-8"))
            if _sums(path, int(sums["chunk_bytes"])) != sums["sha256"]:
                return False
            _checked.add(seen)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
    return True


def _sums_path(path: pathlib.Path) -> pathlib.Path:
    return path.with_suffix(".sha256.json")


def _sums(path: pathlib.Path, chunk_bytes: int) -> list[str]:
    """SHA-256 of each part of a file, computed in threads."""
    if chunk_bytes < 1:
        raise ValueError(f"chunk_bytes={chunk_bytes}: expected a positive number")

    def sum_of(first: int) -> str:
        with open(path, "rb") as file:
            file.seek(first)
            return hashlib.sha256(file.read(chunk_bytes)).hexdigest()

    with concurrent.futures.ThreadPoolExecutor() as threads:
        return list(threads.map(sum_of, range(0, path.stat().st_size, chunk_bytes)))


def _write(
    path: pathlib.Path, *, spec: ClipSpec, split: str, seed: int, num_clips: int
) -> None:
    part = path.with_suffix(".part")
    chunk = max(1, _CHUNK_BYTES // spec.clip_bytes)
    sums = []
    try:
        with open(part, "wb") as file:
            for first in range(0, num_clips, chunk):
                indices = np.arange(first, min(first + chunk, num_clips), dtype=np.int64)
                rendered = elements.render_clips(
                    NUMPY, spec, indices, split=split, seed=seed
                )
                frames = rendered["video"].data
                sums.append(hashlib.sha256(frames).hexdigest())
                file.write(frames)
            file.flush()
            os.fsync(file.fileno())
        _write_sums(path, chunk * spec.clip_bytes, sums)
        # Last, so that there is never a file without its sums.
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _write_sums(path: pathlib.Path, chunk_bytes: int, sums: Sequence[str]) -> None:
    part = path.with_suffix(".sha256.part")
    try:
        with open(part, "w", encoding="utf-8") as file:
            json.dump({"chunk_bytes": chunk_bytes, "sha256": sums}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, _sums_path(path))
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync_directory(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
