"""One build at a time in a directory, and removing what an interrupted one left there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import sys
from collections.abc import Iterator

from tensorflow_datasets.core import constants

# What file systems answer that have no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL)


class BuildError(OSError):
    """A dataset can't be written; the message is one line."""


@contextlib.contextmanager
def claimed(data_path: str | os.PathLike[str]) -> Iterator[None]:
    """Waits until no other process builds in a place, and keeps others waiting.

    Says on stderr that it waits. Then removes what killed builds of the same dataset left
    behind, and says what. Nothing is done on storage with a URL or a file system without
    locks: there, a directory of another build can't be told from one that was left.
    Machines that share a file system have to share its locks, as NFS does by default.

    Args:
      data_path: the directory that a build is to make.

    Raises:
      OSError: if the directory above it can't be made.
    """
    if "://" in os.fspath(data_path):
        yield
        return
    path = pathlib.Path(data_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The lock of a directory needs no file, which would be left there.
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _lock(parent, path):
            _reclaim(path)
        yield
    finally:
        os.close(parent)


def _lock(descriptor: int, path: pathlib.Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"another process is building {path}: waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _reclaim(path: pathlib.Path) -> None:
    """Removes the directories of builds that were killed."""
    for left in path.parent.glob(f"{constants.INCOMPLETE_PREFIX}*_{path.name}"):
        files = [file for file in left.rglob("*") if file.is_file()]
        num_bytes = sum(file.stat().st_size for file in files)
        shutil.rmtree(left)
        say(
            f"removed {left}, left by an interrupted build: {len(files)} files, "
            f"{num_bytes / 1e6:.1f} MB"
        )


def say(message: str) -> None:
    """Tells whoever builds, on stderr."""
    print(f"moving_dot: {message}", file=sys.stderr, flush=True)
