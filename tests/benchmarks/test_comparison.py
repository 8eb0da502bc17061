import copy
import math

import pytest

from benchmarks import comparison
from benchmarks.series import Rate
from tests.benchmarks.result_files import of_arms, plain


def rate(per_s, low=None, high=None, *, unit="clips", spread=0.2, repeats=5):
    low = per_s * 0.9 if low is None else low
    high = per_s * 1.1 if high is None else high
    return Rate("a", unit, per_s, low, high, spread, repeats)


def change(old, new):
    return comparison.Change("a", old, new)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (rate(100), rate(100), "within noise"),
        (rate(100, 90, 110), rate(120, 110, 130), "within noise"),
        (rate(100, 90, 110), rate(120, 110.1, 130), "faster"),
        (rate(100, 90, 110), rate(80, 70, 89.9), "slower"),
        (rate(100, 60, 110), rate(70, 65, 75), "within noise"),
        (rate(100), None, "only in old"),
        (None, rate(100), "only in new"),
        (rate(0, 0, 0), rate(1, 1, 1), "faster"),
        (rate(0, 0, 0), rate(0, 0, 0), "within noise"),
        (rate(1, 1, 1), rate(0, 0, 0), "slower"),
    ],
)
def test_a_verdict_is_beyond_noise_only_if_ranges_are_apart(old, new, verdict):
    assert change(old, new).verdict == verdict


def test_the_band_is_what_the_ratio_can_be():
    found = change(rate(100, 80, 125), rate(200, 100, 250))
    assert found.ratio == 2.0
    assert found.band == (100 / 125, 250 / 80)
    assert change(rate(0, 0, 0), rate(1, 1, 1)).band == (math.inf, math.inf)
    assert change(rate(0, 0, 0), rate(1, 1, 1)).ratio is None


def test_a_rate_of_one_turn_gets_the_spread_of_the_other():
    once = rate(100, 100, 100, spread=0.0, repeats=1)
    assert change(once, rate(92, 90, 95, spread=0.2)).verdict == "within noise"
    assert change(once, rate(92, 90, 95, spread=0.02)).verdict == "slower"


def test_changes_come_in_the_order_of_the_old_result_then_of_the_new():
    old = {"b": rate(1), "a": rate(1), "unit": rate(1)}
    new = {"c": rate(1), "a": rate(1), "unit": rate(1, unit="bytes")}
    found = comparison.changes(old, new)
    assert [(of.name, of.verdict) for of in found] == [
        ("b", "only in old"),
        ("a", "within noise"),
        ("unit", "only in old"),
        ("c", "only in new"),
        ("unit", "only in new"),
    ]


def test_only_what_is_slower_beyond_noise_and_by_the_factor_fails_and_what_is_missing():
    slower = change(rate(100, 95, 105), rate(80, 75, 85))
    noisy = change(rate(100, 70, 110), rate(80, 75, 85))
    faster = change(rate(80, 75, 85), rate(100, 95, 105))
    new = change(None, rate(100))
    assert comparison.failures([slower, noisy, faster, new], 1.1) == [
        "a is slower than 1/1.1: 0.800 times the old rate"
    ]
    assert comparison.failures([slower], 1.3) == []
    assert comparison.failures([change(rate(100), None)], 9.0) == [
        "a is missing in the new result"
    ]


def test_equal_results_are_comparable():
    assert comparison.differences(plain(a=1.0), plain(b=2.0)) == []


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("cpu", "Other", "cpu 'Some Processor' and 'Other'"),
        ("cpus", 4, "cpus 2 and 4"),
        ("system", "Linux aarch64", "system"),
        ("memory_gib", 16.0, "memory_gib 23.5 and 16.0"),
        ("memory_gib", None, "memory_gib 23.5 and None"),
        ("tensorflow", "2.22.0", "tensorflow '2.21' and '2.22'"),
        ("keras", None, "keras '3.15' and None"),
        ("python", "3.12.7", "python '3.11' and '3.12'"),
    ],
)
def test_what_differs_between_machines_is_named(field, value, told):
    other = copy.deepcopy(plain(a=1.0))
    other["fingerprint"][field] = value
    (found,) = comparison.differences(plain(a=1.0), other)
    assert found.startswith(told)


@pytest.mark.parametrize(
    ("field", "value"),
    [("memory_gib", 24.9), ("keras", "3.15.9"), ("commit", "f"), ("python", "3.11.9")],
)
def test_what_does_not_matter_may_differ(field, value):
    other = copy.deepcopy(plain(a=1.0))
    other["fingerprint"][field] = value
    assert comparison.differences(plain(a=1.0), other) == []


def test_other_benchmarks_and_other_work_are_not_comparable():
    assert comparison.differences(of_arms("input"), of_arms("peers")) == [
        "benchmark 'input' and 'peers'"
    ]
    other = {**of_arms("input"), "settings": {"batch_size": 8}}
    assert comparison.differences(of_arms("input"), other) == ["batch_size 64 and 8"]


def test_a_table_has_a_line_for_each_change():
    found = [change(rate(1e5), rate(5e4)), change(rate(1.0), None), change(None, rate(2))]
    headings, *lines = comparison.table(found)
    assert {len(line) for line in lines} == {len(headings)}
    assert lines[0] == [
        "a",
        "100,000 clips/s",
        "50,000 clips/s",
        "0.500",
        "0.409 to 0.611",
        "20%, 20%",
        "slower",
    ]
    assert [line[-1] for line in lines[1:]] == ["only in old", "only in new"]
