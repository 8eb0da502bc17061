"""The page, opened in a browser as its readers do."""

import itertools
import re

import pytest

from benchmarks.doctor.page import page
from tests.benchmarks.doctor import diagnoses
from tests.browser import browser, open_file

TITLE = "Pipeline <b>of</b> input.py"


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


def opened_page(chromium, folder, diagnosis, *, width=1280, scheme="light", title=TITLE):
    path = folder / "doctor.html"
    path.write_text(page(diagnosis, title), encoding="utf-8")
    opened = open_file(chromium, path, width=width, scheme=scheme)
    assert opened.complaints == []
    assert opened.requests == [path.as_uri()]
    return opened.page


@pytest.mark.parametrize("make", diagnoses.ALL.values(), ids=diagnoses.ALL)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_nothing_is_wider_than_the_window_and_nothing_complains(
    chromium, tmp_path, make, width, scheme
):
    found = opened_page(chromium, tmp_path, make(), width=width, scheme=scheme)
    assert found.evaluate("document.documentElement.scrollWidth") == width
    assert found.evaluate("document.body.scrollWidth") <= width
    beyond = """nodes => nodes.filter(
        node => node.getBoundingClientRect().right > innerWidth + 0.5
    ).map(node => node.textContent)"""
    told = found.locator(
        "p, h1, h2, h3, dd, li, code, .flow, .flow .figure, .flow > g > .more"
    )
    assert told.evaluate_all(beyond) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_blocks_are_drawn_as_wide_as_their_shares(chromium, tmp_path, width):
    given = diagnoses.branching()
    found = opened_page(chromium, tmp_path, given, width=width)
    widths = "nodes => nodes.map(node => node.getBoundingClientRect().width)"
    tracks = found.locator(".flow .track").evaluate_all(widths)
    blocks = found.locator(".flow .block").evaluate_all(widths)
    assert len(set(tracks)) == 1
    assert tracks[0] > 0.8 * min(width - 30, 736)
    for block, stage in zip(blocks, given.stages, strict=True):
        least = 0.005 if stage.share else 0
        # A stroke of the track is half a pixel on each side.
        assert block / tracks[0] == pytest.approx(max(stage.share, least), abs=0.01)
    assert found.locator(".flow .way").count() > len(given.stages)


@pytest.mark.parametrize("make", [diagnoses.branching, diagnoses.long])
def test_texts_of_the_flow_do_not_lie_on_each_other_on_a_phone(chromium, tmp_path, make):
    found = opened_page(chromium, tmp_path, make(), width=360)
    overlapping = found.locator(".flow").evaluate(
        """flow => {
          const seen = node => {
            const box = node.getBoundingClientRect();
            const frame = node.ownerSVGElement;
            // An inner one cuts what is beyond it.
            const end = flow.getBoundingClientRect().left + frame.x.baseVal.value +
              frame.width.baseVal.value;
            return [node.textContent, {
              left: box.left, top: box.top, bottom: box.bottom,
              right: Math.min(box.right, end)}];
          };
          const boxes = [...flow.querySelectorAll("text, .block, circle")].map(seen);
          return boxes.flatMap(([text, a], i) => boxes.slice(i + 1)
            .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 &&
              a.top < b.bottom - 2 && b.top < a.bottom - 2)
            .map(([other]) => `${text} on ${other}`));
        }"""
    )
    assert overlapping == []


def test_the_bottleneck_stands_out_in_the_flow_and_in_the_table(chromium, tmp_path):
    found = opened_page(chromium, tmp_path, diagnoses.plain())
    fill = "node => getComputedStyle(node).fill"
    blocks = [block.evaluate(fill) for block in found.locator(".flow .block").all()]
    assert blocks.count("rgb(207, 116, 32)") == 1
    assert blocks.index("rgb(207, 116, 32)") == 2
    assert found.locator("tr.hot").count() == 1
    assert "decode decode_jpeg (input.py:22), the bottleneck" in (
        found.locator("tr.hot th").inner_text()
    )


def test_all_parts_are_on_the_page_in_order(chromium, tmp_path):
    found = opened_page(
        chromium, tmp_path, diagnoses.with_what_if(), title="Pipeline of input.py"
    )
    text = found.locator("main").inner_text()
    told = [
        "decode takes 82% of the time",
        "Bottleneck: decode decode_jpeg (input.py:22)",
        "44.2 elements/s",
        "Where the time goes",
        "44.8 ms",
        "Stages",
        "What to change",
        "1. vectorise at MapDataset normalise (input.py:23)",
        "# instead of .map(normalise).batch(32)",
        "1.90x predicted, 2.10x measured",
        "1.40x predicted, yours to make: not measured",
        "3. other files at",
        "tune makes the pipeline 2.05x as fast.",
        "The pipeline does not keep up with 8 replicas",
        "46 at least, of 2 here",
        "AMD EPYC 7B13",
    ]
    places = [text.index(words) for words in told]
    assert places == sorted(places)
    assert "Problems" not in text
    row = found.locator("#stage-5 td").all_inner_texts()
    assert row == [
        *("0%", "1", "12.5 us", "3.10 us", "2.90 us", "0 us", "1"),
        *("16, 3%", "3.20 MB", "1.00x", "1,250"),
    ]


def test_a_pipeline_that_failed_has_its_verdict_and_problems(chromium, tmp_path):
    found = opened_page(chromium, tmp_path, diagnoses.failed())
    text = found.locator("main").inner_text()
    assert text.index("gave no element") < text.index("InvalidArgumentError")
    assert found.locator(".verdict.failed").count() == 1
    assert found.locator(".problems li").count() == 2
    assert found.locator("svg, table, ol").count() == 0
    assert "What to change" not in text


def test_a_stage_that_fails_is_marked_in_the_flow(chromium, tmp_path):
    found = opened_page(chromium, tmp_path, diagnoses.failed_in_a_stage())
    assert "Fails at: decode_drawings" in found.locator(".verdict").inner_text()
    assert found.locator(".flow .stage.bottleneck").count() == 1
    assert "0 us" not in found.locator("main").inner_text()
    assert found.locator("table, #change").count() == 0


def test_it_is_said_if_there_is_nothing_to_mend(chromium, tmp_path):
    found = opened_page(chromium, tmp_path, diagnoses.nothing_to_mend())
    assert found.locator(".verdict.fine").count() == 1
    assert "Nothing that would help was found." in found.locator("#change").inner_text()


@pytest.mark.parametrize("make", diagnoses.ALL.values(), ids=diagnoses.ALL)
def test_the_page_can_be_read_without_seeing_it(chromium, tmp_path, make):
    found = opened_page(chromium, tmp_path, make())
    assert found.locator("html").get_attribute("lang") == "en"
    assert found.locator("h1").count() == 1
    levels = [
        int(name[1])
        for name in found.locator("h1, h2, h3, h4").evaluate_all(
            "nodes => nodes.map(node => node.tagName)"
        )
    ]
    assert all(later <= level + 1 for level, later in itertools.pairwise(levels))
    assert found.locator("table").count() == found.locator("table > caption").count()
    for flow in found.locator(".flow").all():
        assert flow.get_attribute("role") == "img"
        assert flow.get_attribute("aria-label").startswith("From the source to the")
    targets = found.locator("a").evaluate_all(
        "nodes => nodes.map(node => document.querySelector(node.getAttribute('href')))"
    )
    assert None not in targets
    identifiers = found.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
    assert len(identifiers) == len(set(identifiers))


def test_the_page_follows_the_scheme_of_the_system(chromium, tmp_path):
    found = opened_page(chromium, tmp_path, diagnoses.plain())
    colours = """() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector(".flow .name")).fill]"""
    assert found.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
    found.emulate_media(color_scheme="dark")
    assert found.evaluate(colours) == ["rgb(20, 23, 26)", "rgb(230, 232, 234)"]


@pytest.mark.parametrize("width", [360, 1280])
def test_names_are_text_and_never_run(chromium, tmp_path, width):
    given = diagnoses.hostile()
    title = " ".join(diagnoses.HOSTILE)
    found = opened_page(chromium, tmp_path, given, width=width, title=title)
    assert found.evaluate("window.hacked") is None
    assert found.locator("script, img, iframe, [onload], [onerror]").count() == 0
    assert found.locator("[onmouseover], a:not([href^='#'])").count() == 0
    assert found.locator(".flow .stage").count() == len(diagnoses.HOSTILE)
    text = found.locator("main").inner_text()
    assert all(hostile in text for hostile in diagnoses.HOSTILE[:8])
    assert "\\x1b[31mred\\x1b]0;title\\x07\\r\\u202e\\ud800\\x00" in text


def test_even_a_script_that_got_in_would_not_run(chromium, tmp_path):
    text = page(diagnoses.plain(), TITLE)
    elements = (
        "<script>window.hacked = 1</script>",
        "<img src='https://example.com/x'>",
        "<iframe src='https://example.com/x'></iframe>",
    )
    planted = tmp_path / "planted.html"
    changed = text.replace("</main>", f"{''.join(elements)}</main>", 1)
    planted.write_text(changed, encoding="utf-8")
    opened = open_file(chromium, planted, width=1280)
    assert opened.page.evaluate("window.hacked") is None
    told = [of for of in opened.complaints if "Content Security Policy" in of]
    assert len(told) == len(elements)


def test_the_page_loads_nothing():
    text = page(diagnoses.plain(), TITLE)
    assert text.lstrip().startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in text
    assert "<script" not in text
    links = re.findall(r'(?:src|href)="([^"]*)', text)
    assert links
    assert all(link.startswith("#") for link in links)
