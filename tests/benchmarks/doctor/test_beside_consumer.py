import pytest
import tensorflow as tf
from tensorflow.python.data.experimental.ops import testing

from benchmarks.doctor import beside_consumer, timing
from tests.benchmarks.doctor import measured_views

STEP_S, ELEMENT_S = 0.025, 0.02


def slow_numbers():
    slow = tf.data.Dataset.range(1000).apply(testing.sleep(round(1e6 * ELEMENT_S)))
    return timing.sequential(slow)


def prescribe(dataset, **options):
    found = {"step_s": STEP_S, "element_s": ELEMENT_S, "seconds": 3.0, **options}
    view, _, _ = measured_views.measured(dataset)
    return beside_consumer.prescribe(view, folder="", **found)


def test_a_pipeline_that_only_works_when_asked_is_to_work_ahead():
    found = prescribe(slow_numbers())
    assert found.kind == "prefetch"
    assert found.predicted_gain == pytest.approx(1.8)
    assert found.measured_gain == pytest.approx(1.8, rel=0.25)
    assert found.keeps_elements


def test_one_that_works_ahead_already_is_left_alone():
    assert prescribe(slow_numbers().prefetch(2)) is None


def test_nothing_is_prescribed_for_what_takes_no_time():
    assert prescribe(tf.data.Dataset.range(1000), element_s=1e-5) is None


def test_steps_that_leave_no_time_to_try_are_not_tried():
    assert prescribe(slow_numbers(), step_s=1.0, seconds=2.0) is None


def test_steps_are_counted_after_some_that_are_not():
    now = 0.0
    slept = []

    def sleep(seconds):
        nonlocal now
        slept.append(seconds)
        # The first takes longer, as first ones do.
        now += seconds if len(slept) > 1 else 10 * seconds

    taken = beside_consumer.steps_s(
        tf.data.Dataset.range(2), 0.5, 10.0, sleep=sleep, clock=lambda: now
    )
    assert taken == pytest.approx(0.5)
    assert len(slept) == 1 + 14, "it begins anew at its end"


def test_some_steps_are_looked_at_however_long_they_take():
    now = 0.0

    def sleep(seconds):
        nonlocal now
        now += seconds

    taken = beside_consumer.steps_s(
        tf.data.Dataset.range(9), 7.0, 1.0, sleep=sleep, clock=lambda: now
    )
    assert taken == 7.0
    assert now == 7.0 * (1 + 3)


def test_nothing_at_all_is_an_error():
    with pytest.raises(timing.EmptyError):
        beside_consumer.steps_s(tf.data.Dataset.range(0), 0.1, 1.0)
