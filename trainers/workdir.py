"""The directory of a run: whose it is, and whether it can be used."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from trainers.options import OptionsError

_RUN_FILE = "run.json"


def check(path: pathlib.Path, identity: dict[str, Any]) -> None:
    """Checks, without writing, that a directory is new, empty or holds this very run.

    Args:
      path: the run's directory, which need not exist.
      identity: `TrainOptions.identity()` of the run.

    Raises:
      OptionsError: if the path can't be a directory, or holds another run or other
        files.
    """
    existing = path.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise OptionsError(
            f"workdir {str(path)!r} can't be made: {str(existing)!r} is not a "
            "directory; name another with --workdir"
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _not_writable(path, f"no permission to write in {str(existing)!r}")
    if not path.exists():
        return
    content = sorted(entry.name for entry in path.iterdir())
    if not content:
        return
    if _RUN_FILE not in content:
        raise OptionsError(
            f"workdir {str(path)!r} holds {content[0]!r} and no run: expected an empty "
            "or new directory, or that of a run to continue; name another with --workdir"
        )
    _require_same(path, identity)


def claim(path: pathlib.Path, identity: dict[str, Any]) -> None:
    """Makes the directory, if need be, and writes down whose run it holds.

    Raises:
      OptionsError: if it can't be written; nothing new is left behind then.
    """
    made = []
    folder = path.absolute()
    while not folder.exists():
        made.append(folder)
        folder = folder.parent
    try:
        path.mkdir(parents=True, exist_ok=True)
        run_file = path / _RUN_FILE
        if not run_file.exists():
            part = path / f".{_RUN_FILE}.{os.getpid()}.part"
            try:
                part.write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
                os.replace(part, run_file)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        for folder in made:
            try:
                folder.rmdir()
            except OSError:
                break
        raise _not_writable(path, error.strerror or str(error)) from None


@contextlib.contextmanager
def hold(path: pathlib.Path) -> Iterator[None]:
    """Keeps other processes of this machine from training in the directory meanwhile.

    The lock goes with the process, also when it is killed.

    Raises:
      OptionsError: if another process holds it.
    """
    with open(path / _RUN_FILE, "rb") as run_file:
        try:
            fcntl.flock(run_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OptionsError(
                f"workdir {str(path)!r} is in use by another process: wait for it, or name "
                "another directory with --workdir"
            ) from None
        yield


def _require_same(path: pathlib.Path, identity: dict[str, Any]) -> None:
    try:
        found = json.loads((path / _RUN_FILE).read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError) as error:
        raise OptionsError(
            f"workdir {str(path)!r} has an unreadable {_RUN_FILE} ({error}): expected "
            "the one that a run wrote; name another directory with --workdir"
        ) from None
    for name, value in identity.items():
        if found.get(name) != value:
            raise OptionsError(
                f"workdir {str(path)!r} holds a run with {name}={found.get(name)!r}, "
                f"not {name}={value!r}: use the same options to continue it, or name "
                "another directory with --workdir"
            )


def _not_writable(path: pathlib.Path, reason: str) -> OptionsError:
    return OptionsError(
        f"workdir {str(path)!r} can't be written ({reason}): name another with --workdir"
    )
