import re
from xml.etree import ElementTree

import pytest

from benchmarks.doctor.flow import flow_svg
from tests.benchmarks.doctor import diagnoses

SVG = "{http://www.w3.org/2000/svg}"


def drawn(diagnosis):
    return ElementTree.fromstring(flow_svg(diagnosis))


def stages(root):
    return [
        each for each in root.findall(f"{SVG}g") if each.get("class").startswith("stage")
    ]


def one(element, kind, class_name):
    (found,) = [
        each for each in element.iter(SVG + kind) if each.get("class") == class_name
    ]
    return found


def percent(element, attribute):
    assert element.get(attribute).endswith("%")
    return float(element.get(attribute)[:-1])


def test_a_block_is_as_wide_as_its_share_and_says_what_it_is():
    given = diagnoses.plain()
    found = stages(drawn(given))
    assert len(found) == len(given.stages)
    for element, stage in zip(found, given.stages, strict=True):
        track, block = one(element, "rect", "track"), one(element, "rect", "block")
        wide = percent(track, "width")
        assert percent(block, "x") == percent(track, "x")
        assert percent(track, "x") + wide == pytest.approx(100)
        least = 0.5 if stage.share else 0
        expected = max(wide * stage.share, least)
        assert percent(block, "width") == pytest.approx(expected, abs=1e-3)
    decode = found[2]
    texts = ["".join(text.itertext()) for text in decode.iter(f"{SVG}text")]
    assert texts == [
        "decode",
        "the bottleneck decode_jpeg (input.py:22) ParallelMapDatasetV2",
        "82%",
        "44.8 ms",
    ]
    tip = decode.find(f"{SVG}title").text.splitlines()
    assert tip[:3] == [
        "decode decode_jpeg (input.py:22)",
        "ParallelMapDatasetV2",
        "the bottleneck",
    ]
    assert {"self time: 44.8 ms", "waiting: 3.60 ms", "out over in: 12.0x"} <= set(tip)


def test_only_the_bottleneck_is_marked():
    root = drawn(diagnoses.plain())
    marked = [each.get("class") for each in root.iter() if each.get("class")]
    assert [of for of in marked if "bottleneck" in of] == ["stage bottleneck"]
    assert "decode decode_jpeg (input.py:22) 82%, the bottleneck;" in root.get("aria-label")


def test_the_consumer_stands_below_and_is_marked_if_it_is_the_bottleneck():
    root = drawn(diagnoses.nothing_to_mend())
    last = root.findall(f"{SVG}g")[-1]
    assert last.get("class") == "consumer bottleneck"
    texts = [text.text for text in last.iter(f"{SVG}text")]
    assert texts == ["consumer, the bottleneck", "12.0 ms a step"]
    heights = [float(circle.get("cy")) for circle in root.iter(f"{SVG}circle")]
    assert heights == sorted(heights)
    assert heights[-1] < float(root.get("height"))


@pytest.mark.parametrize("make", [diagnoses.plain, diagnoses.branching, diagnoses.long])
def test_ways_lead_from_each_stage_to_those_that_take_from_it(make):
    given = make()
    root = drawn(given)
    dots = [
        (circle.get("cx"), float(circle.get("cy"))) for circle in root.iter(f"{SVG}circle")
    ]
    lines = [
        ((line.get("x1"), float(line.get("y1"))), (line.get("x2"), float(line.get("y2"))))
        for line in root.iter(f"{SVG}line")
    ]
    ways = set()
    for start, end in lines:
        if start in dots:
            while end not in dots:
                (end,) = [to for of, to in lines if of == end]
            ways.add((dots.index(start), dots.index(end)))
    expected = {(of, stage.number) for stage in given.stages for of in stage.inputs}
    assert ways == expected | {(len(given.stages) - 1, len(given.stages))}


def test_stages_without_figures_have_names_and_the_one_that_fails_is_marked():
    root = drawn(diagnoses.failed_in_a_stage())
    assert "%" not in root.get("aria-label")
    found = stages(root)
    assert all(percent(one(each, "rect", "block"), "width") == 0 for each in found)
    texts = ["".join(text.itertext()) for text in found[3].iter(f"{SVG}text")]
    assert texts[1].startswith("fails here decode_jpeg")
    assert texts[2:] == ["", ""]
    assert "self time" not in found[3].find(f"{SVG}title").text


def test_a_pipeline_without_stages_has_no_picture():
    assert flow_svg(diagnoses.failed()) == ""


@pytest.mark.parametrize("share", [-0.1, 1.3, float("nan")])
def test_a_share_that_can_not_be_stays_in_the_picture(share):
    root = drawn(diagnoses.plain(stages=(diagnoses.stage(0, "a", share=share),)))
    block = one(root, "rect", "block")
    assert 0 <= percent(block, "width") <= percent(one(root, "rect", "track"), "width")


def test_many_lanes_leave_room_for_names():
    sources = [diagnoses.stage(n, "source", inputs=()) for n in range(30)]
    joined = diagnoses.stage(30, "sample", inputs=tuple(range(30)))
    root = drawn(diagnoses.plain(stages=(*sources, joined)))
    track = next(each for each in root.iter() if each.get("class") == "track")
    assert percent(track, "x") < 32


def test_names_are_text():
    svg = flow_svg(diagnoses.hostile())
    root = ElementTree.fromstring(svg)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {
        *("svg", "style", "defs", "marker", "path", "linearGradient", "stop", "line"),
        *("g", "title", "rect", "text", "tspan", "circle"),
    }
    assert not [name for each in root.iter() for name in each.attrib if name[:2] == "on"]
    names = [one(each, "text", "name").text for each in stages(root)]
    assert names[:8] == list(diagnoses.HOSTILE[:8])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800]", svg)
