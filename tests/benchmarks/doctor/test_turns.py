import threading
import time

import pytest
import tensorflow as tf

from benchmarks.doctor import time_limits, timing, turns

NUMBERS = tf.data.Dataset.range(1 << 40)


def sleeping(seconds):
    def sleep(each):
        time.sleep(seconds)
        return each

    return lambda value: tf.numpy_function(sleep, [value], tf.int64)


def one_at_a_time(dataset):
    return timing.sequential(dataset)


def test_both_have_their_own_rate_whoever_begins():
    fast, slow = (
        turns.Source(one_at_a_time(NUMBERS.map(sleeping(seconds))), warmup_s=0.05)
        for seconds in (0.002, 0.008)
    )
    for is_turned in (False, True):
        fast_s, slow_s = turns.pair(fast, slow, seconds=0.1, is_turned=is_turned)
        assert 0.002 <= fast_s < 0.006
        assert 0.008 <= slow_s < 0.016
    assert slow.element_s == slow_s


def test_a_short_pass_is_taken_as_a_whole(monkeypatch):
    """Its first element may take longest: a part of it would tell nothing."""
    dataset = one_at_a_time(tf.data.Dataset.range(20).map(sleeping(0.001)))
    source = turns.Source(dataset, warmup_s=0.2)
    take, taken = source._take, []

    def recorded(seconds, **options):
        found = take(seconds, **options)
        taken.append(found[0])
        return found

    monkeypatch.setattr(source, "_take", recorded)
    for _ in range(5):
        source.turn(0.03)
    assert all(counted % 20 == 0 for counted in taken[1::2])


def test_what_was_made_ahead_is_not_counted():
    dataset = one_at_a_time(NUMBERS.map(sleeping(0.005))).prefetch(8)
    source = turns.Source(dataset, warmup_s=0.1)
    for _ in range(3):
        # Eight are ready: of ten in a twentieth of a second, they would be most.
        time.sleep(0.1)
        assert source.turn(0.05) >= 0.004


def test_elements_to_warm_up_are_waited_for_but_not_for_ever():
    dataset = one_at_a_time(NUMBERS.map(sleeping(0.005)))
    assert turns.Source(dataset, warmup_s=0.02, warmup_elements=10).is_warm
    begin = time.perf_counter()
    assert not turns.Source(dataset, warmup_s=0.02, warmup_elements=1000).is_warm
    assert time.perf_counter() - begin < 2


def test_nothing_to_take_is_an_error():
    with pytest.raises(timing.EmptyError):
        turns.Source(NUMBERS.take(0), warmup_s=0.1)


def test_a_turn_ends_with_its_limit_of_time():
    """The source was started under another one, which is over."""
    never = NUMBERS.filter(lambda value: value < 100)
    source = time_limits.within(60, lambda: turns.Source(never, warmup_s=0))
    before = threading.active_count()
    with pytest.raises(time_limits.TooSlowError):
        time_limits.within(0.3, lambda: source.turn(1000))
    assert threading.active_count() == before, "it goes on waiting"
