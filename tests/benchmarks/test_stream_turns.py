import collections
import itertools

from benchmarks import stream_turns


def test_the_stream_and_its_control_have_many_turns_of_the_same_kinds():
    streams = ("stream", "stream again")
    order = stream_turns.order([*streams, *"abcdefg"], ["memset"], streams)
    assert order.count("memset") == 4
    assert all(order.count(name) == 1 for name in "abcdefg")
    # Rounds follow each other, every other one the other way round.
    before = collections.Counter(itertools.pairwise(order + order[::-1]))
    after_others = {}
    for name in streams:
        assert order.count(name) == 32
        after_others[name] = sum(before[other, name] for other in [*"abcdefg", "memset"])
    # One of 64 goes missing where a round turns back.
    assert after_others == {"stream": 3, "stream again": 4}
