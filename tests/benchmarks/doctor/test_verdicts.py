import dataclasses
import time

import pytest

from benchmarks.doctor import costs, verdicts
from tests.benchmarks.doctor import diagnoses
from tests.benchmarks.doctor.rewritable import WIDE, view_of


@pytest.fixture
def view():
    """Two stages that take a millisecond for an element, and a batch of seven."""
    return view_of(WIDE.batch(7, name="batch"))


def bottleneck(view, cuts, measured_s):
    by_name = {node.name: node.tag for node in view.nodes}
    rates = {by_name[name]: rate for name, rate in cuts.items()}
    return verdicts.bottleneck(view, costs.in_pipeline(view), rates, measured_s).name


def test_the_largest_share_is_the_bottleneck(view):
    now = costs.in_pipeline(view)
    share = max(now, key=lambda cost: cost.wall_s)
    assert bottleneck(view, {}, 10e-3) == view.node(share.tag).name
    as_expected = {"RangeDataset": 200.0, "widen": 150.0, "batch": 140.0}
    assert bottleneck(view, as_expected, 1e-6) == view.node(share.tag).name


@pytest.mark.parametrize("slow", ["widen", "batch"])
def test_a_rate_that_falls_for_no_known_reason_shows_the_bottleneck(view, slow):
    names = ["RangeDataset", "widen", "batch"]
    falls = {
        name: 0.5 if number >= names.index(slow) else 100.0
        for number, name in enumerate(names)
    }
    assert bottleneck(view, falls, 2.0) == slow


def test_a_stage_that_puts_branches_together_adds_only_what_it_does_itself():
    one, other = (WIDE.map(lambda each: each / 2, name=name) for name in ("one", "other"))
    view = view_of(one.concatenate(other, name="both"))
    cuts = {"one": 1 / 0.9, "other": 1 / 1.3, "both": 1 / 2.3}
    assert bottleneck(view, cuts, 2.3) == "other"


def test_what_is_fine_is_told_from_what_could_be_mended():
    found = diagnoses.plain(prescriptions=())
    assert verdicts.text(found, "decode", keeps_up=False) == (
        "The pipeline is fine as it is: 44.2 elements/s, limited by decode. "
        "Nothing was found to gain."
    )
    first = verdicts.text(diagnoses.plain(), "decode", keeps_up=False)
    assert first.endswith("First: vectorise, measured to make it 2.10 times as fast.")
    many = dataclasses.replace(diagnoses.PRESCRIPTIONS[0], measured_gain=1261.4)
    huge = verdicts.text(diagnoses.plain(prescriptions=(many,)), "decode", keeps_up=False)
    assert huge.endswith("measured to make it 1,261 times as fast.")
    only_told = diagnoses.plain(prescriptions=diagnoses.PRESCRIPTIONS[1:])
    told = verdicts.text(only_told, "decode", keeps_up=False)
    assert told.endswith("First: decode less, which only you can change.")
    assert "faster than its consumer" in verdicts.text(found, "decode", keeps_up=True)


def test_what_gives_nothing_is_told_with_the_stage_and_the_reason():
    begin = time.perf_counter()
    found = verdicts.failed("no elements", begin, guilty="decode")
    assert found.verdict == "No rate could be measured: no elements."
    assert found.problems == ("no elements",)
    assert (found.bottleneck, found.elements_per_s) == ("decode", 0)
    assert 0 <= found.examined_s < 5
