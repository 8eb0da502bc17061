"""A run that is killed at any moment ends as one that was not, bit for bit."""

from __future__ import annotations

import itertools
import shutil
import signal

import pytest

from tests.faults.runs import state, train, was_killed, was_struck, weights

STEPS = 5
# All events in one test take a quarter of an hour: more than its limit on a busy machine.
PARTS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody has disturbed."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    done = train(workdir)
    assert done.returncode == 0, done.stderr
    return workdir


def ends_alike(workdir, whole, *, strikes=()):
    """Whether a run that goes on ends with the same weights, optimizer and history."""
    done = train(workdir, strikes=strikes)
    assert done.returncode == 0, done.stderr
    return weights(workdir) == weights(whole) and state(workdir) == state(whole)


@pytest.mark.fault("SIGKILL before each step", "the same weights in the end, bit for bit")
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=[] if step == 3 else pytest.mark.slow)
        for step in range(1, STEPS + 1)
    ],
)
def test_a_run_that_is_killed_at_a_step_ends_alike(whole, tmp_path, step):
    assert was_killed(train(tmp_path, strikes=[f"step={step}"]))
    assert ends_alike(tmp_path, whole)


@pytest.mark.fault("SIGKILL before every step in turn", "the same weights in the end")
@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_alike(whole, tmp_path):
    for _ in range(3):
        # The first step of each process is taken, the second is not.
        assert was_killed(train(tmp_path, strikes=["step=2"]))
    assert ends_alike(tmp_path, whole)


@pytest.mark.fault(
    "SIGKILL between every two writes and renames of a checkpoint",
    "a checkpoint is whole or absent, and the run ends with the same weights",
)
@pytest.mark.slow
@pytest.mark.parametrize("first_event", range(1, PARTS + 1))
def test_a_run_that_is_killed_while_it_saves_ends_alike(whole, tmp_path, first_event):
    """Of the second checkpoint and the third, so that there are some to be kept."""
    begun = tmp_path / "begun"
    assert was_killed(train(begun, strikes=["step=2"]))
    for event in itertools.count(first_event, PARTS):
        workdir = tmp_path / "run"
        shutil.copytree(begun, workdir)
        folder = workdir / "checkpoints"
        # Two more steps, and no summary: what is left to do after a kill is short.
        done = train(workdir, strikes=[f"file_event={event}:{folder}", "step=3"])
        if not was_struck(done):
            break
        kept = sorted(path.name for path in folder.glob("step_*"))
        assert ends_alike(workdir, whole), f"killed at event {event} with {kept}"
        assert not list(folder.glob(".part-*"))
        shutil.rmtree(workdir)
    assert was_killed(done), done.stderr
    assert event > 16


@pytest.mark.slow
@pytest.mark.fault(
    "a checkpoint's file cut by the system at any length", "the one before is used"
)
@pytest.mark.parametrize("size", [0, 1000, 40_000])
def test_a_run_whose_file_can_not_grow_ends_alike(whole, tmp_path, size):
    assert was_killed(train(tmp_path, strikes=["step=2"]))
    done = train(tmp_path, strikes=[f"grown={size}"])
    assert done.returncode == -signal.SIGXFSZ
    assert ends_alike(tmp_path, whole)


@pytest.mark.fault(
    "planted: a restore that is skipped, an optimizer that is not saved, a batch that is "
    "dropped",
    "each is seen by the same comparison",
)
@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(each, marks=pytest.mark.slow)
        for each in ("skipped_restore", "forgotten_optimizer", "dropped_batch")
    ],
)
def test_the_comparison_sees_a_resume_that_is_wrong(whole, tmp_path, bug):
    assert was_killed(train(tmp_path, strikes=["step=3"]))
    assert not ends_alike(tmp_path, whole, strikes=[f"plant={bug}"])


@pytest.mark.slow
@pytest.mark.fault(
    "planted: a checkpoint that is written in place", "seen by killing it while it saves"
)
def test_the_kills_see_a_checkpoint_that_is_written_in_place(tmp_path):
    plant = "plant=checkpoint_in_place"
    folder = tmp_path / "checkpoints"
    for event in range(2, 5):
        shutil.rmtree(tmp_path)
        done = train(tmp_path, strikes=[plant, f"file_event={event}:{folder}"])
        assert was_killed(done)
        if train(tmp_path, strikes=[plant]).returncode != 0:
            return
    pytest.fail("no kill has shown a checkpoint that is half written")
