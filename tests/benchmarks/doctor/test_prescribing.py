import pytest
import tensorflow as tf

from benchmarks.doctor import prescribing, trials
from tests.benchmarks.doctor.measured_views import double, measured


@pytest.fixture(scope="module")
def case():
    dataset = tf.data.Dataset.range(100_000).map(double, name="map")
    return measured(dataset.map(double, name="other").prefetch(1).batch(100, name="batch"))


def prescribe(case, monkeypatch, tmp_path, *, single, together):
    """What is prescribed if trials give these gains for one change, and for all."""

    def tried(pipeline, changes, **options):
        gains = [single] * (len(changes) - 1) + [together]
        return trials.Tried(tuple(gains), 0.01)

    monkeypatch.setattr(trials, "run", tried)
    view, now, isolated = case
    return prescribing.prescribe(
        view, now, isolated, measured_s=1.0, seconds=8.0, folder=str(tmp_path)
    )


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


@pytest.mark.parametrize("gain", [trials.Gain(1.15, 1.12), trials.Gain(1.4, 1.05)])
def test_a_small_or_unsure_gain_together_is_none(case, monkeypatch, tmp_path, gain):
    single = trials.Gain(1.0, 1.0)
    found = prescribe(case, monkeypatch, tmp_path, single=single, together=gain)
    assert found.prescriptions == ()


def test_what_would_be_slower_together_is_not_what_tune_makes(case, monkeypatch, tmp_path):
    slower = trials.Gain(0.5, 0.4)
    found = prescribe(case, monkeypatch, tmp_path, single=slower, together=slower)
    assert found.tuned_gain is None
