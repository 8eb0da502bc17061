import json

import plotly.graph_objects as graph_objects
import pytest

from benchmarks import report_charts, rooflines
from benchmarks.series import Rate
from tests.benchmarks.result_files import of_arms

RATES = [
    Rate("slow", "clips", 100.0, 90.0, 105.0, 0.15, 5),
    Rate("fast", "clips", 1000.0, 950.0, 1200.0, 0.25, 5),
]


def test_bars_have_the_rates_and_whiskers_to_their_extremes():
    figure = report_charts.bars(RATES, highlighted=["fast"])
    (trace,) = figure["data"]
    assert trace["x"] == [100.0, 1000.0]
    assert trace["error_x"]["array"] == [5.0, 200.0]
    assert trace["error_x"]["arrayminus"] == [10.0, 50.0]
    assert len(set(trace["marker"]["color"])) == 2
    low, high = figure["layout"]["xaxis"]["range"]
    assert low == 0
    assert high > 1200
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert texts == ["slow", "100 clips/s", "fast", "1,000 clips/s"]


def test_a_roofline_has_a_line_for_each_ceiling_and_a_point_for_each_rate():
    found = rooflines.roofline(of_arms("input"))
    figure = report_charts.roofline(found)
    *lines, ceilings, achieved = figure["data"]
    assert [line["x"][0] for line in lines] == ceilings["x"] == sorted(ceilings["x"])
    assert len(lines) == 4
    assert achieved["x"] == [rate.per_s for rate in found.achieved]
    assert achieved["y"] == list(range(4, 12))
    assert figure["layout"]["xaxis"]["type"] == "log"


@pytest.mark.parametrize(
    "figure",
    [
        report_charts.bars(RATES),
        report_charts.bars([Rate("none", "clips", 0.0, 0.0, 0.0, 0.0, 1)]),
        report_charts.roofline(rooflines.roofline(of_arms("input"))),
    ],
)
def test_plotly_knows_all_that_is_set_and_json_has_it(figure):
    graph_objects.Figure(figure)
    json.dumps(figure, allow_nan=False)


def test_names_are_escaped_and_long_ones_are_cut():
    name = "<a href='javascript:alert(1)'>x</a>"
    figure = report_charts.bars([Rate(name, "<b>", 1.0, 1.0, 1.0, 0.0, 1)])
    assert "<" not in json.dumps(figure)
    label = figure["layout"]["annotations"][0]["text"]
    assert label.startswith("&lt;a href=")
    assert label.endswith("\u2026")


def test_a_description_has_all_figures():
    assert report_charts.description(RATES) == "slow: 100 clips/s; fast: 1,000 clips/s"
