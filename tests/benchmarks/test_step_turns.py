import time

import numpy as np
import pytest

from benchmarks import step_turns
from benchmarks.arms import MeasureError


def test_a_turn_reports_its_first_value_and_the_time_of_a_step():
    values = iter([0.25, *[7.0] * 100])

    def step():
        time.sleep(0.01)
        return next(values)

    work = step_turns.turn_of(step, time.perf_counter(), batch_size=3, seconds=0.05)()
    assert (work.count, work.checksum) == (3, 250)
    assert 0.01 <= work.seconds < 0.05
    assert work.notes["first_step_s"] >= 0.01
    assert work.notes["peak_mib"] > 10


@pytest.mark.parametrize(("seconds", "steps"), [(0.0, 1), (0.03, 2), (0.1, 5)])
def test_a_turn_has_as_many_steps_as_fill_it(monkeypatch, seconds, steps):
    clock = iter(range(10_000))
    # Each step takes 0.02 s: it asks for the time before and after.
    monkeypatch.setattr("time.perf_counter", lambda: next(clock) * 0.02)
    done = []
    turn = step_turns.turn_of(lambda: done.append(1) or 0.0, 0.0, 1, seconds=seconds)
    assert turn().seconds == pytest.approx(0.02)
    assert len(done) == 1 + steps, "and the first, before any turn"


def test_waiting_for_input_is_counted_within_the_turn():
    waited_s = 100.0

    def step():
        nonlocal waited_s
        time.sleep(0.01)
        waited_s += 0.005
        return 1.0

    turn = step_turns.turn_of(
        step, time.perf_counter(), 1, seconds=0.05, waited_s=lambda: waited_s
    )
    assert 0.1 < turn().notes["input_wait_fraction"] < 0.51


def test_a_loss_that_is_not_finite_is_no_figure():
    values = iter([0.25, float("nan")])
    turn = step_turns.turn_of(lambda: next(values), time.perf_counter(), batch_size=1)
    with pytest.raises(MeasureError, match="gave nan"):
        turn()


def test_every_probability_counts():
    probabilities = np.array([[0.1, 0.9], [0.5, 0.5]])
    assert step_turns.weighed(probabilities) == pytest.approx(0.1 + 1.8 + 0.5 + 1.0)
    assert step_turns.weighed(probabilities[:, ::-1]) != step_turns.weighed(probabilities)
