import pytest
import tensorflow as tf

from benchmarks.doctor import candidates, expectations, time_limits
from tests.benchmarks.doctor.measured_views import double, measured


@pytest.fixture(scope="module")
def case():
    dataset = tf.data.Dataset.range(100_000).map(double, name="map")
    return measured(dataset.batch(100, name="batch").repeat())


def find(case, **options):
    view, now, isolated = case
    return candidates.find(view, now, isolated, **options)


def test_the_best_comes_first(case):
    found = find(case, seconds=5.0, measured_s=1.0)
    gains = [each.gain for each in found]
    assert gains == sorted(gains, reverse=True)
    by_kind = {each.rewrite.kind: each.gain for each in found}
    # What was run is compared with the whole pipeline's time.
    assert by_kind["vectorise"] > 100
    assert by_kind["prefetch"] < 10


@pytest.mark.parametrize(
    "error",
    [
        time_limits.TooSlowError("slow"),
        tf.errors.InvalidArgumentError(None, None, "wrong"),
        KeyError("map"),
    ],
)
def test_what_cannot_be_told_is_left_out(case, monkeypatch, error):
    original = expectations.after

    def fail(view, now, isolated, rewrite, **options):
        if rewrite.kind == "parallel map":
            raise error
        return original(view, now, isolated, rewrite, **options)

    monkeypatch.setattr(expectations, "after", fail)
    kinds = [each.rewrite.kind for each in find(case, seconds=0.0)]
    assert "parallel map" not in kinds
    assert "parallel batch" in kinds


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 0.2), (1e9, 1.0)])
def test_parts_run_for_a_fair_share_of_the_time(case, monkeypatch, seconds, most):
    asked = []

    def note(view, now, isolated, rewrite, *, may_measure, part_s):
        asked.append((may_measure, part_s))

    monkeypatch.setattr(expectations, "after", note)
    assert find(case, seconds=seconds) == []
    assert asked == [(seconds > 0, most)] * len(asked)
    assert asked


def test_what_takes_most_of_the_time_is_run_longest(case, monkeypatch):
    asked = []

    def note(view, now, isolated, rewrite, *, may_measure, part_s):
        asked.append(part_s)

    monkeypatch.setattr(expectations, "after", note)
    find(case, seconds=4.0)
    assert asked == sorted(asked, reverse=True)
    assert 0.2 < asked[0] <= 1.0
    assert asked[-1] == 0.2
