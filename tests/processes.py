"""Running the real commands in processes of their own."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence

TFDS = str(pathlib.Path(sys.executable).with_name("tfds"))
MLCROISSANT = str(pathlib.Path(sys.executable).with_name("mlcroissant"))
# Before a command: lets no file grow beyond 100 kB, as a full disk would.
LIMITED = [
    sys.executable,
    "-c",
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2);"
    "os.execv(sys.argv[1], sys.argv[1:])",
]
_TIMEOUT_S = 240


def run(
    command: Sequence[str],
    *,
    cwd: pathlib.Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end and returns what it printed."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def python(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """Runs this interpreter."""
    return run([sys.executable, *arguments], **options)
