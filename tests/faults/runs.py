"""Real processes with a hard time limit, and what is left of them."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.conftest import SMALL_JSON
from tests.faults.strike import STRUCK
from trainers import checkpoints

_LIMIT_S = 120
# A run that takes a few seconds, of which most go into starting TensorFlow.
TRAINING = [
    f"--config={SMALL_JSON}",
    "--steps=5",
    "--batch_size=4",
    "--eval_clips=4",
    "--checkpoint_every=1",
    "--deterministic",
]


def struck(
    strikes: Sequence[str],
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a module under strikes (see `tests.faults.strike`) to its end."""
    return run(
        [sys.executable, "-m", "tests.faults.strike", *strikes, "--", module, *arguments],
        env=env,
    )


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    limit_s: float = _LIMIT_S,
) -> subprocess.CompletedProcess[str]:
    """Runs a command; it is killed with all it has started when its time is over."""
    with subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"{command} took longer than {limit_s} s: {err}") from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def train(
    workdir: pathlib.Path, *arguments: str, strikes: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs a short training."""
    options = [*TRAINING, *arguments, f"--workdir={workdir}"]
    return struck(strikes, "trainers.main", *options)


def was_killed(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == -signal.SIGKILL


def was_struck(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a file event came that a process was to be killed at."""
    if STRUCK.decode() not in done.stderr:
        return False
    assert was_killed(done), done.stderr
    return True


def weights(workdir: pathlib.Path) -> str:
    """SHA-256 of the weights that a run has ended with."""
    return json.loads((workdir / "summary.json").read_text())["weights_sha256"]


def state(workdir: pathlib.Path) -> str:
    """SHA-256 of all that the last checkpoint holds: weights, optimizer, history."""
    latest = checkpoints.load_latest(workdir / "checkpoints")
    digest = hashlib.sha256()
    for name in sorted(latest.arrays):
        digest.update(name.encode())
        digest.update(latest.arrays[name].tobytes())
    return digest.hexdigest()


def one_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The only line of an error, of a process that ended with a status."""
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]
