import copy

import pytest

from benchmarks import architectures, report_sections, series, tables
from benchmarks.report_sections import Measured, sections
from tests.benchmarks.result_files import STORED, of_arms, plain

STORED_NAMES = ("training", "storage", "recipes-standard", "recipes-notebook")


def measured(name, result=None):
    result = series.load(STORED / f"{name}.json") if result is None else result
    return Measured(name, result)


def part(section, title):
    return next(part for part in section.parts if part.title == title)


def test_each_result_has_a_section_after_the_summary_and_the_machine():
    found = sections([measured(name) for name in STORED_NAMES], [])
    assert [section.title for section in found] == [
        "Summary",
        "Machine",
        "Training and inference steps",
        "Ways to store clips",
        "Training by the recipes (recipes-standard)",
        "Training by the recipes (recipes-notebook)",
    ]
    for section, name in zip(found[2:], STORED_NAMES, strict=True):
        assert section.tables[0].lines == tables.table(measured(name).result)


def test_the_summary_has_both_architectures_and_what_controls_say():
    summary = sections([measured("training")], [])[0]
    result = series.load(STORED / "training.json")
    assert summary.notes[0] == architectures.sentence([result])
    assert summary.notes[-1] == "4 of 4 controls hold: they are within 1.00 ± 0.02."
    assert summary.tables[0].lines == architectures.table([result])
    assert [chart.caption for chart in summary.charts] == [
        "Training with fast layers",
        "Inference with fast layers",
    ]


def test_the_summary_of_arms_names_the_fastest():
    summary = sections([measured("input", of_arms("input"))], [])[0]
    assert summary.notes == [
        "Input pipelines: the fastest of 8 is cache after batch with 550,000 clips/s, 358% "
        "of memset, 2 threads.",
        "1 of 2 controls hold: they are within 1.00 ± 0.02.",
    ]
    assert not summary.tables


def test_rates_of_the_same_work_share_a_chart():
    def captions(of):
        return [chart.caption for chart in part(sections([of], [])[2], "Rates").charts]

    assert captions(measured("training")) == [
        "cnn_lstm, train",
        "cnn_lstm, infer",
        "conv_lstm, train",
        "conv_lstm, infer",
    ]
    assert captions(measured("storage")) == ["build", "loop", "write", "read", "verify"]
    arms = measured("input", of_arms("input"))
    assert captions(arms) == ["generation", "stored", "cache"]
    assert captions(measured("plain", plain(a=1.0, b=2.0))) == ["All rates"]


def test_the_machine_tells_what_differs_between_results():
    other = copy.deepcopy(plain(a=1.0))
    other["fingerprint"]["commit"] = "fff"
    del other["fingerprint"]["keras"]
    other["fingerprint"]["flags"] = ["a", "b"]
    found = sections([measured("one", plain(a=1.0)), measured("two", other)], [])
    lines = found[1].tables[0].lines
    assert ["cpu", "Some Processor"] in lines
    assert ["commit", "0123abc (one); fff (two)"] in lines
    assert ["keras", "3.15.1 (one)"] in lines
    assert ["flags", "a, b (two)"] in lines
    assert ["environment OMP_NUM_THREADS", "-"] in lines


def test_absent_arms_and_controls_are_told():
    section = sections([measured("peers", of_arms("peers"))], [])[2]
    absent = part(section, "Absent").tables[0].lines
    assert absent[1] == ["NVIDIA DALI", "its wheel needs a driver that is not here"]
    controls = part(section, "Controls").tables[0].lines
    assert controls[1][-1] == "outside 1.00 ± 0.02"


def test_earlier_results_are_compared_with_those_of_their_benchmark():
    old = copy.deepcopy(plain(a=1.0, b=1.0))
    old["fingerprint"]["cpus"] = 64
    new = [measured("new", plain(a=2.0)), measured("storage")]
    found = sections(new, [measured("old", old)])
    against = part(found[2], "Against old")
    assert against.notes == ["Not from the same conditions: cpus 64 and 2."]
    assert [line[-1] for line in against.tables[0].lines[1:]] == ["faster", "only in old"]
    assert not [part for part in found[3].parts if part.title.startswith("Against")]


@pytest.mark.parametrize("benchmark", [*report_sections.TITLES, "of another kind"])
def test_a_result_that_lacks_everything_has_a_section(benchmark):
    empty = {"benchmark": benchmark, "fingerprint": {}}
    old = measured("old", empty)
    found = sections([measured("x", empty)], [old])
    assert found[2].notes[0] == "From x.json."
    assert part(found[2], "Against old").notes == ["Neither result has rates."]


@pytest.mark.parametrize("field", ["group", "about", "delivered_bytes_per_clip"])
def test_an_arm_may_lack_what_is_optional(field):
    result = of_arms("input")
    for arm in result["arms"].values():
        del arm[field]
    assert sections([measured("input", result)], [])[2].parts


@pytest.mark.parametrize(
    "field", ["settings", "clip_bytes", "absent", "control", "known_rate", "ceilings"]
)
def test_a_result_may_lack_what_is_optional(field):
    result = of_arms("input")
    for value in ({}, None):
        result[field] = value
        assert sections([measured("input", result)], [])[2].parts
    del result[field]
    assert sections([measured("input", result)], [])[2].parts


def test_a_result_that_its_table_can_not_show_has_all_rates():
    result = copy.deepcopy(measured("training").result)
    for way in result["models"]["cnn_lstm"]["train"]["ways"].values():
        del way["peak_mib"]
    section = sections([measured("training", result)], [])[2]
    assert section.notes[1].startswith("All rates instead of its own table: ")
    assert section.tables[0].lines == tables.rates_table(result)
