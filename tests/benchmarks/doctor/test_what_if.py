import pytest

from benchmarks.doctor import what_if
from benchmarks.doctor.queueing import Cost

# 8 ms of work in parallel, 1 ms in one thread.
COSTS = [
    Cost("map", (), 8e-3, 8e-3, 2, is_server=True),
    Cost("batch", ("map",), 1e-3, 1e-3),
]
NOW = {"cores": 2, "measured_s": 4.5e-3}


def test_a_slow_accelerator_is_kept_busy():
    found = what_if.predict(COSTS, accelerator_step_ms=10, replicas=2, **NOW)
    assert found.keeps_up
    assert found.predicted_step_ms == 10
    assert (found.cores, found.service_workers) == (2, 1)
    assert found.confidence == "high"


def test_more_cores_and_workers_keep_a_fast_one_busy():
    found = what_if.predict(COSTS, accelerator_step_ms=1.5, replicas=1, **NOW)
    assert not found.keeps_up
    assert found.predicted_step_ms == pytest.approx(4.5)
    assert (found.cores, found.service_workers) == (6, 3)


def test_a_thread_that_is_too_slow_can_not_be_helped_by_cores():
    found = what_if.predict(COSTS, accelerator_step_ms=0.5, replicas=1, **NOW)
    assert found.cores is None
    assert found.service_workers == 9


def test_replicas_take_an_element_each():
    one = what_if.predict(COSTS, accelerator_step_ms=3, replicas=1, **NOW)
    four = what_if.predict(COSTS, accelerator_step_ms=12, replicas=4, **NOW)
    assert one.cores == four.cores
    assert one.service_workers == four.service_workers


@pytest.mark.parametrize(
    ("measured_ms", "confidence"), [(4.6, "high"), (6, "medium"), (20, "low")]
)
def test_confidence_is_how_well_the_model_fits(measured_ms, confidence):
    found = what_if.predict(
        COSTS,
        cores=2,
        measured_s=measured_ms / 1000,
        accelerator_step_ms=100,
        replicas=1,
    )
    assert found.confidence == confidence
    assert "differ by" in found.reason


def test_far_away_predictions_are_no_better_than_medium():
    found = what_if.predict(
        [COSTS[0]], cores=2, measured_s=4e-3, accelerator_step_ms=0.1, replicas=1
    )
    assert found.cores == 80
    assert found.confidence == "medium"
