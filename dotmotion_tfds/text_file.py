"""Writing text files that are whole or absent."""

from __future__ import annotations

import errno
import os
import pathlib

from dotmotion_tfds.spec import SpecError


def require_place(flag: str, given: str) -> pathlib.Path:
    """Checks where a file is to be written, before the work that makes its content.

    Args:
      flag: which flag named it.
      given: the flag's value.

    Returns:
      The path, with "~" expanded.

    Raises:
      SpecError: if its directory is not there, or it is a directory itself.
    """
    path = pathlib.Path(os.path.expanduser(given)).absolute()
    if not given or path.is_dir() or not path.parent.is_dir():
        raise SpecError(
            f"--{flag}={given!r} can't be written: expected a file in a directory that "
            "exists"
        )
    return path


def write(path: pathlib.Path, text: str) -> None:
    """Writes a file in UTF-8, replacing an earlier one as a whole.

    Args:
      path: of the file, in a directory that exists. A link is followed.
      text: its content.

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
        part.write_text(text, encoding="utf-8")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
