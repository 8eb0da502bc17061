"""Writing JSON files that are whole or absent."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from dotmotion_tfds import text_file


def require_place(given: str) -> pathlib.Path:
    """`text_file.require_place` for what `--json` names."""
    return text_file.require_place("json", given)


def write(path: pathlib.Path, value: Any) -> None:
    """Writes a JSON file, replacing an earlier one as a whole.

    Args:
      path: of the file, in a directory that exists. A link is followed.
      value: made of dictionaries, lists, strings, numbers, booleans and None.

    Raises:
      OSError: as `text_file.write`.
    """
    text_file.write(path, json.dumps(value, indent=2) + "\n")
