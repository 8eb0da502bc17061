"""Signals: the state is saved, the exit status says why, and the run goes on."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time

import pytest

from tests import processes
from tests.faults.runs import TRAINING, one_line, train, weights
from trainers import checkpoints

# Of which there is no end.
_ENDLESS = [*TRAINING, "--steps=100000"]
_NO_CHECKPOINTS = "--checkpoint_every=100000"


@contextlib.contextmanager
def running(workdir, *arguments):
    """A run that is in the middle of its steps."""
    options = [*_ENDLESS, *arguments, f"--workdir={workdir}"]
    with subprocess.Popen(
        [sys.executable, "-m", "trainers.main", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_for_steps(process, workdir)
            yield process
        finally:
            process.kill()


def wait_for_steps(process, workdir):
    deadline = time.monotonic() + 90
    # The log gets pictures after the first step.
    while sum(path.stat().st_size for path in workdir.glob("tensorboard/*")) < 5000:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.fault(
    "SIGTERM or SIGINT", "a checkpoint, exit 143 or 130, and the same weights"
)
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_asked_to_stop_ends_with_the_weights_of_one_that_was_not(
    tmp_path, number
):
    workdir = tmp_path / "run"
    with running(workdir) as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    step = checkpoints.load_latest(workdir / "checkpoints").step
    assert f"stopped at step {step} of 100000" in out
    assert "run the same command again to continue" in out
    for place in (workdir, tmp_path / "whole"):
        done = train(place, f"--steps={step + 2}")
        assert done.returncode == 0, done.stderr
    assert weights(workdir) == weights(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.fault(
    "SIGINT twice in a long step", "exit 130 without saving, and the run can go on"
)
def test_a_second_interrupt_leaves_at_once(tmp_path):
    workdir = tmp_path / "run"
    # A step takes a second or two, so that the first signal is not heeded yet.
    slow = ["--model=conv_lstm", "--config=standard", "--batch_size=64"]
    slow.append(_NO_CHECKPOINTS)
    with running(workdir, *slow) as process:
        # The second step has begun.
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - begin < 15
    assert "Traceback" not in err
    assert checkpoints.load_latest(workdir / "checkpoints") is None
    assert train(workdir, *slow, "--steps=1").returncode == 0


@pytest.mark.slow
@pytest.mark.fault(
    "SIGTERM to one of two workers",
    "both leave at the same step, a checkpoint, and the same weights",
)
@pytest.mark.parametrize("asked", [0, 1])
def test_all_workers_stop_with_the_one_that_was_asked(tmp_path, asked):
    workdir = tmp_path / "run"
    endless = [*_ENDLESS, _NO_CHECKPOINTS]
    with processes.workers(2, *endless, f"--workdir={workdir}") as workers:
        wait_for_steps(workers[0], workdir)
        workers[asked].send_signal(signal.SIGTERM)
        told = [process.communicate(timeout=60) for process in workers]
    assert [process.returncode for process in workers] == [143, 143], told
    step = checkpoints.load_latest(workdir / "checkpoints").step
    assert all(f"stopped at step {step} of 100000" in out for out, _ in told)
    for place in (workdir, tmp_path / "whole"):
        end = [*TRAINING, f"--steps={step + 2}", _NO_CHECKPOINTS, f"--workdir={place}"]
        with processes.workers(2, *end) as workers:
            told = [process.communicate(timeout=120) for process in workers]
        assert [process.returncode for process in workers] == [0, 0], told
    assert weights(workdir) == weights(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.fault("one of two workers killed", "the other one leaves with one line")
@pytest.mark.parametrize("killed", [0, 1])
def test_a_worker_does_not_wait_for_one_that_is_gone(tmp_path, killed):
    workdir = tmp_path / "run"
    with processes.workers(2, *_ENDLESS, f"--workdir={workdir}") as workers:
        wait_for_steps(workers[0], workdir)
        workers[killed].kill()
        other = workers[1 - killed]
        out, err = other.communicate(timeout=120)
    done = subprocess.CompletedProcess(other.args, other.returncode, out, err)
    assert "another worker can't be reached" in one_line(done, status=1)
