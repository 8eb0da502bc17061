import dataclasses

import pytest
import tensorflow as tf

from benchmarks.doctor import stage_figures, timing, wording
from tests.benchmarks.doctor.measured_views import double, measured

_WHOLE = timing.Timing(1, 1e-3, 0.0, 1e-3, 0.0, 0.0, 0.0, 0)


@pytest.fixture(scope="module")
def case():
    numbers = tf.data.Dataset.range(1000)
    view, now, _ = measured(numbers.map(double, name="double").batch(10, name="batch"))
    return view, now


def figures(view, now, **given):
    found = stage_figures.of(view, now, given.get("cuts", {}), _WHOLE, {})
    return {stage.name: stage for stage in found}


def test_a_batch_is_what_is_counted(case):
    found = figures(*case)
    assert found["batch"].elements == 1
    assert found["double"].elements == 10
    assert found["double"].bytes_out == found["batch"].bytes_out == 80
    assert found["batch"].amplification == 1
    double_stage = found["double"]
    assert double_stage.self_us == pytest.approx(10 * double_stage.element_us)
    assert double_stage.wait_us <= double_stage.self_us


def test_a_source_amplifies_nothing(case):
    view, now = case
    assert figures(view, now)[view.nodes[0].name].amplification is None


def test_what_was_not_measured_has_no_figures(case):
    view, now = case
    tag = next(node.tag for node in view.nodes if node.name == "double")
    alone = {each: found for each, found in view.alone.items() if each != tag}
    found = figures(dataclasses.replace(view, alone=alone), now)
    stage = found["double"]
    times = (stage.element_us, stage.self_us, stage.cpu_us, stage.wait_us)
    assert times == (None,) * 4
    assert stage.bytes_out is None
    assert stage.amplification is None
    assert found["batch"].bytes_out == 80
    assert found["batch"].amplification is None, "what it takes is not known"
    told = dict(wording.stage_facts(stage))
    assert told["self time"] == told["bytes out"] == wording.NOTHING


def test_cuts_have_their_rates(case):
    view, now = case
    cuts = {view.nodes[-1].tag: 1000.0}
    found = figures(view, now, cuts=cuts)
    assert found["batch"].rate_up_to_here == 1000
    assert found["double"].rate_up_to_here is None
