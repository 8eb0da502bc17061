"""Running the real commands in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

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


@contextlib.contextmanager
def workers(count: int, *arguments: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Workers on this machine that train together; killed at the end if they still run."""
    hosts = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    command = [sys.executable, "-m", "trainers.main", "--strategy=multi_worker_mirrored"]
    with contextlib.ExitStack() as stack:
        started = []
        for index in range(count):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": {"worker": hosts}, "task": task})
            process = subprocess.Popen(
                [*command, *arguments],
                env={**os.environ, "TF_CONFIG": config},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield started


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
