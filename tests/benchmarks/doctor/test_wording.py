import dataclasses

import pytest

from benchmarks.doctor import wording
from benchmarks.doctor.diagnosis import Prescription, WhatIf
from tests.benchmarks.doctor import diagnoses


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0 us"),
        (0.05, "0.050 us"),
        (8.2, "8.20 us"),
        (999.4, "999 us"),
        (999.6, "1.00 ms"),
        (14_200, "14.2 ms"),
        (999_600, "1.00 s"),
        (3.6e9, "3,600 s"),
    ],
)
def test_times_have_the_unit_that_suits_them(us, text):
    assert wording.time_text(us) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (4, "4 B"), (999.6, "1.00 kB"), (38.5e6, "38.5 MB"), (2e9, "2.00 GB")],
)
def test_sizes_have_the_unit_that_suits_them(count, text):
    assert wording.bytes_text(count) == text


def test_what_was_not_measured_is_no_zero():
    assert wording.time_text(None) == wording.bytes_text(None) == wording.NOTHING


def test_counts_have_decimals_only_if_they_need_them():
    found = [wording.count_text(of) for of in (0, 1, 32.02, 1.43, 0.25, 1024, 999.4)]
    assert found == ["0", "1", "32", "1.43", "0.250", "1,024", "999"]


@pytest.mark.parametrize(
    ("predicted", "measured", "text"),
    [
        (1.9, 2.1, "1.90x predicted, 2.10x measured"),
        (1.9, None, "1.90x predicted, yours to make: not measured"),
        (None, 2.1, "2.10x measured"),
        (None, None, "yours to make: not measured"),
    ],
)
def test_gains_say_where_they_come_from(predicted, measured, text):
    given = Prescription("kind", 0, "why", "edit", predicted, measured, True, False)
    assert wording.gain_text(given) == text


def test_it_is_said_who_makes_a_change_and_what_becomes_of_the_elements():
    first, second, _ = diagnoses.PRESCRIPTIONS
    assert wording.care_text(first) == "makes it; elements and their order stay the same"
    assert wording.care_text(second) == "leaves it to you; elements or their order change"
    assert wording.tune_text(diagnoses.plain()) == "tune makes the pipeline 2.05x as fast."
    nothing = diagnoses.nothing_to_mend()
    assert wording.tune_text(nothing) == "tune changes nothing by itself."


def test_the_bottleneck_is_the_stage_of_that_name_with_the_largest_share():
    stages = tuple(
        diagnoses.stage(number, "MapDataset", share=share)
        for number, share in enumerate((0.1, 0.6, 0.3))
    )
    given = diagnoses.plain(stages=stages, bottleneck="MapDataset")
    assert wording.bottleneck_stage(given) is stages[1]
    assert wording.bottleneck_text(given) == "Bottleneck: MapDataset (input.py:21)"


def test_the_consumer_or_a_name_of_no_stage_is_said_as_it_is():
    for given in (diagnoses.nothing_to_mend(), diagnoses.plain(bottleneck="other")):
        assert wording.bottleneck_stage(given) is None
        assert wording.bottleneck_text(given) == f"Bottleneck: {given.bottleneck}"
    assert wording.bottleneck_text(diagnoses.failed()) == ""


def test_a_stage_that_fails_is_not_called_a_bottleneck():
    given = diagnoses.failed_in_a_stage()
    assert wording.has_failed(given)
    assert wording.bottleneck_text(given).startswith("Fails at: decode_drawings")
    assert wording.mark(given) == "fails here"


def test_figures_that_were_not_measured_are_left_out_or_said_to_be_missing():
    found = dict(wording.facts(diagnoses.plain()))
    assert found["CPU time of it"] == "42.9 ms, 1.9 of 2 cores"
    assert found["AUTOTUNE settled after"] == "11.8 s"
    fewer = diagnoses.plain(
        autotune_converged_s=None, step_ms=None, fraction_of_memset=None
    )
    missing = dict(wording.facts(fewer))
    assert missing["AUTOTUNE settled after"] == "off, or not yet"
    assert set(found) - set(missing) == {"of memory's speed", "step of the consumer"}
    assert wording.facts(diagnoses.failed()) == [("examined in", "34.5 s")]


def test_figures_of_a_stage_have_dashes_where_there_are_none():
    first, *_, last = diagnoses.plain().stages
    found = dict(wording.stage_facts(first))
    assert (found["buffer, full"], found["out over in"]) == ("-", "-")
    assert dict(wording.stage_facts(last))["buffer, full"] == "16, 3%"
    unknown = dataclasses.replace(last, buffered=None, rate_up_to_here=None)
    found = dict(wording.stage_facts(unknown))
    assert (found["buffer, full"], found["rate up to here"]) == ("16", "-")


def test_a_prediction_is_said_in_words():
    given = WhatIf(8.0, 1, True, 8.0, 2, 1, "high", "it was measured")
    assert (
        wording.what_if_text(given)
        == "The pipeline keeps up with 1 replica that takes 8.00 ms a step."
    )
    assert dict(wording.what_if_facts(given, 2))["cores needed"] == "2 at least, of 2 here"
    more = dataclasses.replace(given, replicas=8, keeps_up=False, cores=None)
    assert wording.what_if_text(more).startswith(
        "The pipeline does not keep up with 8 replicas that take"
    )
    assert "no number would do" in dict(wording.what_if_facts(more, 2))["cores needed"]


def test_the_machine_is_told_in_pairs():
    found = dict(wording.machine_facts(diagnoses.FINGERPRINT))
    assert found["cpus"] == "2"
    assert found["gpus"] == found["torch"] == "-"
    assert found["environment TF_NUM_INTEROP_THREADS"] == "2"
