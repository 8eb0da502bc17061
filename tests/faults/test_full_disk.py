"""A disk that is full: what is there stays, and one line says what to do."""

from __future__ import annotations

import pytest

from tests.faults.runs import one_line, train, was_killed, weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole") / "run"
    assert train(workdir).returncode == 0
    return workdir


@pytest.mark.fault(
    "disk full while a checkpoint is written",
    "one line, exit 1, the checkpoints before it are kept, and the run goes on later",
)
@pytest.mark.slow
def test_a_checkpoint_that_does_not_fit(whole, tmp_path):
    assert was_killed(train(tmp_path, strikes=["step=3"]))
    before = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    error = one_line(train(tmp_path, strikes=["full=5000"]), 1)
    assert "File too large" in error
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == before
    assert train(tmp_path).returncode == 0
    assert weights(tmp_path) == weights(whole)


@pytest.mark.fault(
    "disk full while the TensorBoard log is written", "a warning, and the run goes on"
)
def test_a_log_that_does_not_fit(whole, tmp_path):
    (checkpoint,) = list((whole / "checkpoints").glob("step_0000000005"))
    # Room for the checkpoints and not for the log, which has pictures in it.
    size = max(path.stat().st_size for path in checkpoint.iterdir())
    log = max(path.stat().st_size for path in (whole / "tensorboard").iterdir())
    assert log > size + 5000
    done = train(tmp_path, strikes=[f"full={size + 4096}"])
    assert done.returncode == 0, done.stderr
    assert "no more is written to" in done.stderr
    assert weights(tmp_path) == weights(whole)
