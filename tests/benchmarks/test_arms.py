import time

import psutil
import pytest

from benchmarks.arms import Arm, MeasureError, Running, WrongWorkError, end, start
from tests.benchmarks import arms


def test_processes_of_arms_are_started_back_and_forth(tmp_path):
    path = tmp_path / "starts"
    named = [
        Arm(name, arms.starter, (str(path), name), processes=processes)
        for name, processes in (("A", 3), ("B", 2), ("C", 3))
    ]
    running = [Running(arm) for arm in named]
    start(running)
    end(running)
    assert path.read_text() == "ABC" + "CBA" + "AC"


def test_processes_started_at_once_do_not_wait_for_each_other(tmp_path):
    path = tmp_path / "starts"
    named = [Arm(name, arms.meeting, (str(path), 4), processes=2) for name in "AB"]
    running = [Running(arm) for arm in named]
    try:
        # Each is ready only when all are there.
        start(running, at_once=4)
        assert running[0].turn("A").count == 10
    finally:
        end(running)


def test_processes_take_turns_and_those_that_come_after_the_end_are_others(tmp_path):
    path = tmp_path / "turns"
    running = Running(Arm("A", arms.recorder, (str(path), "A"), processes=2))
    for _ in range(2):
        start([running])
        for _ in range(4):
            running.turn("A")
        end([running])
    first, second, *others = [line.split()[1] for line in path.read_text().splitlines()]
    assert others[:2] == [first, second]
    assert others[2:4] == others[4:]
    assert len({first, second, *others}) == 4
    assert not any(psutil.pid_exists(int(process)) for process in (first, second, *others))


def test_arms_of_a_home_share_its_processes(tmp_path):
    path = tmp_path / "turns"
    running = Running(
        *(Arm(name, arms.recorder, (str(path), name), processes=2) for name in "AB")
    )
    start([running])
    for name in "ABBAA":
        running.turn(name)
    end([running])
    turns = [line.split() for line in path.read_text().splitlines()]
    assert "".join(name for name, _ in turns) == "ABBAA"
    first, of_b, second, *later = [process for _, process in turns]
    assert first == of_b == later[1], "each takes turns of every arm"
    assert second == later[0] != first


def test_arms_of_a_home_are_prepared_in_order(tmp_path):
    path = tmp_path / "starts"
    running = Running(*(Arm(name, arms.starter, (str(path), name)) for name in "BA"))
    start([running])
    end([running])
    assert path.read_text() == "BA"


def test_a_home_that_is_not_ready_is_told_by_all_its_arms():
    running = Running(
        Arm("A", arms.starter, ("/dev/null", "A")), Arm("B", arms.failing_to_prepare)
    )
    try:
        with pytest.raises(MeasureError, match="A, B failed: ValueError: no such thing"):
            start([running])
    finally:
        end([running])


def test_arms_that_live_otherwise_have_no_common_home():
    with pytest.raises(ValueError, match=r"\['A', 'B'\]: one home"):
        Running(Arm("A", arms.busy), Arm("B", arms.busy, is_renewed=True))


def test_a_process_ends_with_what_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.arms._PATIENCE_SECONDS", 0.5)
    path = tmp_path / "child"
    running = Running(Arm("a", arms.parent, (str(path),)))
    start([running])
    child = psutil.Process(int(path.read_text()))
    end([running])
    deadline = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_that_is_busy_is_ended(monkeypatch):
    monkeypatch.setattr("benchmarks.arms._PATIENCE_SECONDS", 0.5)
    running = Running(Arm("a", arms.busy))
    running.begin()
    begin = time.monotonic()
    end([running])
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    ("prepare", "error", "message"),
    [
        (arms.failing_to_prepare, MeasureError, "a failed: ValueError: no such thing"),
        (arms.dying, MeasureError, "a failed: its process ended"),
        (arms.wrong, WrongWorkError, "a failed: batch 3 is another one"),
    ],
)
def test_what_a_process_fails_of_is_told(prepare, error, message):
    running = Running(Arm("a", prepare))
    try:
        with pytest.raises(MeasureError, match=message) as raised:
            _first_turn(running)
        assert type(raised.value) is error
    finally:
        end([running])


def _first_turn(running):
    start([running])
    running.turn("a")


REMARK, CAUSE = "a library's remark", "no such file"


@pytest.mark.parametrize("fails", [False, True])
def test_remarks_of_a_process_are_shown_only_if_it_fails(fails, capfd):
    running = Running(Arm("A", arms.remarking, (REMARK, CAUSE if fails else "")))
    if fails:
        with pytest.raises(MeasureError, match=CAUSE):
            start([running])
    else:
        start([running])
    end([running])
    assert (REMARK in capfd.readouterr().err) == fails
