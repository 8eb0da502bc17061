import resource
import threading
import time

import pytest
import tensorflow as tf

from benchmarks.doctor import time_limits, timing

ENDLESS = tf.data.Dataset.range(1 << 60).filter(lambda each: each < 0)


def cpu_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def names_of_threads():
    return {thread.ident for thread in threading.enumerate()}


def comes_true(condition):
    """Whether it does in a time that is enough on a machine that is busy."""
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_what_takes_too_long_is_given_up():
    begin = time.perf_counter()
    with pytest.raises(time_limits.TooSlowError, match="not done within"):
        time_limits.within(0.1, lambda: time.sleep(5))
    assert time.perf_counter() - begin < 3


def test_results_and_errors_come_through():
    assert time_limits.within(5, lambda: 3) == 3
    assert time_limits.within(5, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        time_limits.within(5, lambda: 1 / 0)


@pytest.mark.parametrize(
    "take",
    [
        lambda: timing.measure(ENDLESS, 0.1),
        lambda: timing.measure_alone(ENDLESS.prefetch(2), 0.1),
        lambda: list(timing.one_pass(ENDLESS)),
        lambda: time_limits.within(60, lambda: timing.measure(ENDLESS, 0.1)),
    ],
    ids=["measure", "in threads of its own", "one pass", "one inside another"],
)
def test_nothing_goes_on_afterwards(take):
    before = names_of_threads()
    with pytest.raises(time_limits.TooSlowError):
        time_limits.within(0.5, take)
    assert comes_true(lambda: names_of_threads() <= before)
    used = cpu_s()
    time.sleep(0.5)
    assert cpu_s() - used < 0.25


def test_a_limit_inside_another_ends_its_own_part_only():
    def both():
        with pytest.raises(time_limits.TooSlowError):
            time_limits.within(0.2, lambda: timing.measure(ENDLESS, 0.1))
        return timing.measure(tf.data.Dataset.range(10), 0.1).elements

    assert time_limits.within(60, both) > 0


def test_what_begins_when_the_time_is_over_ends_at_once():
    ended = []

    def late():
        time.sleep(0.5)
        try:
            time_limits.within(60, lambda: timing.measure(ENDLESS, 0.1))
        except time_limits.TooSlowError:
            ended.append(True)

    with pytest.raises(time_limits.TooSlowError):
        time_limits.within(0.1, late)
    assert comes_true(lambda: bool(ended))
