"""One line instead of a traceback when the `tfds` command can't do what it should."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Sequence
from types import TracebackType

from dotmotion_tfds.build_claim import BuildError
from dotmotion_tfds.spec import SpecError


def print_as_one_line_in_tfds_command(argv: Sequence[str]) -> None:
    """Shortens the report of errors that need none, if this is the `tfds` command.

    The command is not ours, and prints a traceback for whatever a builder raises.
    Nothing changes in any other program, or for any other exception.

    Args:
      argv: the process's arguments, the program first.
    """
    if not argv or pathlib.Path(argv[0]).stem != "tfds":
        return
    previous = sys.excepthook

    def report(
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, (SpecError, BuildError, json.JSONDecodeError)):
            print(f"tfds: error: {error}", file=sys.stderr)
        else:
            previous(kind, error, traceback)

    sys.excepthook = report
