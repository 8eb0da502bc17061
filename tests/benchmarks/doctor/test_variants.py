import dataclasses

from benchmarks.doctor import variants
from benchmarks.doctor.rewrites import Rewrite

MAP = Rewrite(
    "parallel map",
    ("a",),
    {"num_parallel_calls": 4},
    "a works on 1 elements at once, not 4",
    ".map(f, num_parallel_calls=4)",
)
READERS = Rewrite(
    "parallel interleave",
    ("b",),
    {"num_parallel_calls": 1, "buffer_output_elements": 512},
    "b reads one of its inputs at a time",
    ".interleave(g, cycle_length=1, num_parallel_calls=2, deterministic=True)",
)
AHEAD = Rewrite("prefetch", ("c",), {"buffer_size": 2}, "", ".prefetch(2)")
NARROW = dataclasses.replace(
    MAP,
    arguments={"num_parallel_calls": 2},
    reason="a works on 1 elements at once, not 2",
    edit=".map(f, num_parallel_calls=2)",
)


def test_fewer_calls_are_tried_and_none_of_what_is_doubtful():
    found = list(variants.find([MAP, READERS, AHEAD], [AHEAD, MAP], cores=2))
    assert found == [(NARROW, READERS, AHEAD), (READERS, AHEAD), (MAP, READERS)]


def test_what_is_given_already_is_not_tried_again():
    assert list(variants.find([NARROW, READERS], [], cores=2)) == []


def test_no_change_at_all_is_no_variant():
    assert list(variants.find([AHEAD], [AHEAD], cores=2)) == []
    assert list(variants.find([], [], cores=2)) == []
