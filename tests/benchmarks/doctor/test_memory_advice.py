import dataclasses
import mmap

import pytest
import tensorflow as tf

from benchmarks.doctor import memory_advice
from benchmarks.doctor.timing import Timing
from tests.benchmarks.doctor.measured_views import double, measured

# A second for an element.
WHOLE = Timing(10, 1.0, 1.0, 1e6, 0.0, 800.0, 1.0, 0)


@pytest.fixture(scope="module")
def view():
    numbers = tf.data.Dataset.range(10_000).map(double, name="map")
    return measured(numbers.batch(100, name="batch"))[0]


@pytest.fixture(autouse=True)
def microsecond(monkeypatch):
    monkeypatch.setattr(memory_advice, "fault_s", lambda: 1e-6)


def test_what_the_kernel_clears_anew_is_told_with_the_largest_stage(view):
    advice = memory_advice.find(view, WHOLE)
    # Half a second on each of two processors.
    assert advice.gain == pytest.approx(2.0)
    assert view.node(advice.rewrite.tags[0]).name == "batch"
    assert "1,000,000 pages" in advice.rewrite.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"page_faults": 1e5},
        {"page_faults": 0.0},
        {"grown_bytes": 0.9e6 * mmap.PAGESIZE},
        # More than there was time for.
        {"page_faults": 1e7},
    ],
)
def test_few_pages_those_that_are_kept_and_nonsense_are_no_reason(view, changes):
    assert memory_advice.find(view, dataclasses.replace(WHOLE, **changes)) is None


def test_a_process_that_shrinks_has_kept_nothing(view):
    shrunk = dataclasses.replace(WHOLE, grown_bytes=-1e12)
    assert memory_advice.find(view, shrunk).gain == pytest.approx(2.0)


def test_a_fault_takes_some_time(monkeypatch):
    monkeypatch.undo()
    memory_advice.fault_s.cache_clear()
    assert 1e-9 < memory_advice.fault_s() < 1e-3
