import pytest
import tensorflow as tf

from benchmarks.doctor import (
    candidates,
    memory_advice,
    parallel_rewrites,
    prescribing,
    trials,
)
from benchmarks.doctor.advice import Advice
from benchmarks.doctor.rewrites import Rewrite
from benchmarks.doctor.timing import Timing
from tests.benchmarks.doctor.measured_views import double, measured

# A second for an element.
WHOLE = Timing(10, 1.0, 1.0, 0.0, 0.0, 800.0, 1.0, 0)


@pytest.fixture(scope="module")
def case():
    dataset = tf.data.Dataset.range(100_000).map(double, name="map")
    return measured(dataset.map(double, name="other").prefetch(1).batch(100, name="batch"))


def prescribe(case, monkeypatch, tmp_path, *, single, together, unchanged_s=(1.0,)):
    """What is prescribed if trials give these gains for one change, and for all."""

    def tried(pipeline, changes, **options):
        gains = [together] + [single] * (len(changes) - 1)
        return trials.Tried(tuple(gains), unchanged_s)

    monkeypatch.setattr(trials, "run", tried)
    view, now, isolated = case
    return prescribing.prescribe(
        view, now, isolated, whole=WHOLE, seconds=8.0, folder=str(tmp_path)
    )


LITTLE, MUCH = trials.Gain(1.15, 1.08), trials.Gain(1.5, 1.4)


@pytest.mark.parametrize(
    ("calls", "gain", "unchanged_s", "prescribed"),
    [
        (1, LITTLE, 1.0, True),
        (tf.data.AUTOTUNE, LITTLE, 1.0, False),
        (tf.data.AUTOTUNE, MUCH, 1.0, True),
        # In a long run an element takes a second; trials begin with a search.
        (tf.data.AUTOTUNE, MUCH, 1.5, False),
        (1, MUCH, 1.5, True),
    ],
)
def test_a_number_in_place_of_autotune_has_to_gain_more_and_lastingly(
    monkeypatch, tmp_path, calls, gain, unchanged_s, prescribed
):
    numbers = tf.data.Dataset.range(100_000)
    mapped = measured(numbers.map(double, num_parallel_calls=calls, name="map"))
    found = prescribe(
        mapped,
        monkeypatch,
        tmp_path,
        single=gain,
        together=trials.Gain(1.0, 0.99),
        unchanged_s=(unchanged_s,),
    )
    kinds = [each.kind for each in found.prescriptions]
    assert ("parallel map" in kinds) == prescribed


def test_what_gains_nothing_is_not_prescribed(case, monkeypatch, tmp_path):
    none = trials.Gain(1.01, 0.99)
    found = prescribe(case, monkeypatch, tmp_path, single=none, together=none)
    assert found.prescriptions == ()
    assert found.tuned_gain == 1.01


def test_what_gains_only_together_is_prescribed_as_one(case, monkeypatch, tmp_path):
    found = prescribe(
        case,
        monkeypatch,
        tmp_path,
        single=trials.Gain(1.05, 1.0),
        together=trials.Gain(1.4, 1.3),
    )
    (whole,) = found.prescriptions
    assert (whole.measured_gain, whole.predicted_gain) == (1.4, None)
    assert whole.is_applied_by_tune
    assert "; " in whole.edit


def test_what_gains_alone_is_prescribed_alone(case, monkeypatch, tmp_path):
    gain = trials.Gain(1.5, 1.4)
    found = prescribe(case, monkeypatch, tmp_path, single=gain, together=gain)
    assert {each.measured_gain for each in found.prescriptions} == {1.5}
    assert all("; " not in each.edit for each in found.prescriptions)


@pytest.mark.parametrize(
    ("unchanged_s", "predicted"), [((1.0, 1.0), [3.0, 1.5]), ((4.0, 4.0, 9.0), [6.0, 1.5])]
)
def test_what_is_expected_is_told_of_the_rate_alone_and_in_trials_alike(
    case, monkeypatch, tmp_path, unchanged_s, predicted
):
    """The whole was run once, a second for an element, and was slow by chance."""
    view, now, _ = case
    one, other = parallel_rewrites.find(view)[:2]
    expected = [
        candidates.Candidate(one, 3.0, tuple(now), is_measured=True),
        candidates.Candidate(other, 1.5, tuple(now)),
    ]
    monkeypatch.setattr(candidates, "find", lambda *_, **__: expected)
    gain = trials.Gain(1.5, 1.4)
    found = prescribe(
        case, monkeypatch, tmp_path, single=gain, together=gain, unchanged_s=unchanged_s
    )
    assert [each.predicted_gain for each in found.prescriptions] == predicted


@pytest.mark.parametrize("gain", [trials.Gain(1.15, 1.12), trials.Gain(1.4, 1.05)])
def test_a_small_or_unsure_gain_together_is_none(case, monkeypatch, tmp_path, gain):
    single = trials.Gain(1.0, 1.0)
    found = prescribe(case, monkeypatch, tmp_path, single=single, together=gain)
    assert found.prescriptions == ()


@pytest.mark.parametrize(("median", "count"), [(1.4, 0), (1.6, 1)])
def test_one_round_has_to_show_more(case, monkeypatch, tmp_path, median, count):
    once = trials.Gain(median, median, rounds=1)
    found = prescribe(case, monkeypatch, tmp_path, single=once, together=once)
    assert bool(found.prescriptions) == bool(count)


def test_settings_of_the_process_come_last(case, monkeypatch, tmp_path):
    tag = case[0].nodes[-1].tag
    setting = Advice(Rewrite(memory_advice.KEEP, (tag,), {}, "why", "how"), 3.0)
    monkeypatch.setattr(memory_advice, "find", lambda view, whole: setting)
    gain = trials.Gain(1.5, 1.4)
    found = prescribe(case, monkeypatch, tmp_path, single=gain, together=gain)
    last = found.prescriptions[-1]
    assert (last.kind, last.predicted_gain, last.measured_gain) == (
        memory_advice.KEEP,
        3.0,
        None,
    )
    assert not last.is_applied_by_tune


def test_what_would_be_slower_together_is_not_what_tune_makes(case, monkeypatch, tmp_path):
    slower = trials.Gain(0.5, 0.4)
    found = prescribe(case, monkeypatch, tmp_path, single=slower, together=slower)
    assert found.tuned_gain is None


@pytest.mark.parametrize(
    ("advised", "prescribed", "is_left"),
    [
        ("no loop in a map", "vectorise", False),
        ("batch before splitting", "vectorise", False),
        ("no loop in a map", "parallel map", True),
        ("py_function", "vectorise", True),
    ],
)
def test_what_can_work_on_whole_batches_anyway_is_no_advice(advised, prescribed, is_left):
    of_map = Advice(Rewrite(advised, ("map",), {}, "why", "how"), None)
    elsewhere = Advice(Rewrite(advised, ("other",), {}, "why", "how"), None)
    mended = Rewrite(prescribed, ("map", "batch"), {}, "why", "how")
    left = prescribing._not_mended([of_map, elsewhere], [mended])
    assert left == ([of_map, elsewhere] if is_left else [elsewhere])
