"""Writing JSON files that are whole or absent."""

from __future__ import annotations

import errno
import json
import os
import pathlib
from typing import Any

from dotmotion_tfds.spec import SpecError


def require_place(given: str) -> pathlib.Path:
    """Checks where a file is to be written, before the work that makes its content.

    Args:
      given: the value of `--json`.

    Returns:
      The path, with "~" expanded.

    Raises:
      SpecError: if its directory is not there, or it is a directory itself.
    """
    path = pathlib.Path(os.path.expanduser(given)).absolute()
    if not given or path.is_dir() or not path.parent.is_dir():
        raise SpecError(
            f"--json={given!r} can't be written: expected a file in a directory that exists"
        )
    return path


def write(path: pathlib.Path, value: Any) -> None:
    """Writes a JSON file, replacing an earlier one as a whole.

    Args:
      path: of the file, in a directory that exists. A link is followed.
      value: made of dictionaries, lists, strings, numbers, booleans and None.

    Raises:
      OSError: if it can't be written. Nothing is left half-written then, and an earlier
        file is as it was.
    """
    target = pathlib.Path(os.path.realpath(path))
    # Renaming would put a file where the directory, device or pipe was.
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
