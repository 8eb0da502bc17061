"""The program and its page, which is opened in a browser as its readers do."""

import copy
import itertools
import json

import pytest

from benchmarks import architectures, report, series
from tests.benchmarks.result_files import STORED, of_arms, plain, summary, write
from tests.browser import browser, open_file
from tests.processes import python

NAMES = ("training", "storage", "recipes-standard", "recipes-notebook")
HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload="window.hacked = 1">',
    "<a href='javascript:window.hacked = 1'>x</a>",
    "{{ 7 * 7 }}' onmouseover='window.hacked = 1",
)
MARKS = ".barlayer .point path, .scatterlayer .point"


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The page of all kinds of results."""
    folder = tmp_path_factory.mktemp("report")
    results = [str(STORED / f"{name}.json") for name in NAMES]
    results += [
        write(folder / f"{name}.json", of_arms(name)) for name in ("input", "peers")
    ]
    old = of_arms("input")
    old["arms"]["ours"].update(summary("clips", 300e3))
    old["arms"]["another"] = summary("clips", 1e3)
    against = f"--against={write(folder / 'older.json', old)},{STORED / 'training.json'}"
    out = folder / "report.html"
    assert report.main(["report", *results, f"--out={out}", against]) == 0
    return out


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_chart_is_drawn_without_a_complaint_or_a_request(
    chromium, path, width, scheme
):
    opened = open_file(chromium, path, width=width, scheme=scheme)
    charts = opened.page.locator(".chart")
    figures = json.loads(opened.page.locator("#figures").text_content())
    assert charts.count() == len(figures) == 21
    for number in range(charts.count()):
        chart = charts.nth(number)
        traces = figures[chart.get_attribute("id")]["data"]
        drawn = [trace for trace in traces if trace.get("mode") != "lines"]
        marks = sum(len(trace["x"]) for trace in drawn)
        assert chart.locator(MARKS).count() == marks > 0
        assert chart.locator(".xerror").count() == marks
        labels = chart.locator(".annotation-text").all_text_contents()
        assert len(labels) == 2 * marks
        assert all(labels)
    assert opened.complaints == []
    assert opened.requests == [path.as_uri()]


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(chromium, path, width):
    page = open_file(chromium, path, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.body.scrollWidth") <= width
    beyond = """nodes => nodes.filter(
        node => node.getBoundingClientRect().right > innerWidth + 0.5).length"""
    assert (
        page.locator(".chart, .chart .annotation-text, p, h1, h2").evaluate_all(beyond) == 0
    )
    if width == 360:
        scrolled = page.locator(".scroller").evaluate_all(
            "nodes => nodes.filter(node => node.scrollWidth > node.clientWidth).length"
        )
        assert scrolled > 0, "wide tables scroll in boxes of their own"


def test_labels_of_a_chart_do_not_lie_on_each_other_on_a_phone(chromium, path):
    page = open_file(chromium, path, width=360).page
    overlapping = page.locator(".chart").evaluate_all(
        """charts => charts.flatMap(chart => {
          const boxes = [...chart.querySelectorAll(
            ".annotation-text, .xtick text, .g-xtitle text"
          )].map(node => [node.textContent, node.getBoundingClientRect()]);
          return boxes.flatMap(([text, a], i) => boxes.slice(i + 1)
            .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 &&
              a.top < b.bottom - 2 && b.top < a.bottom - 2)
            .map(([other]) => `${text} on ${other}`));
        })"""
    )
    assert overlapping == []


def test_the_page_follows_the_scheme_of_the_system(chromium, path):
    page = open_file(chromium, path, width=1280).page
    colours = """() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector(".chart .annotation-text")).fill]"""
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colours)
    assert light == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
    assert dark == ["rgb(20, 23, 26)", "rgb(230, 232, 234)"]


def test_the_page_can_be_read_without_seeing_it(chromium, path):
    page = open_file(chromium, path, width=1280).page
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("meta[name=viewport]").count() == 1
    assert page.locator("h1").count() == 1
    levels = [
        int(name[1])
        for name in page.locator("h1, h2, h3, h4").evaluate_all(
            "nodes => nodes.map(node => node.tagName)"
        )
    ]
    assert all(later <= level + 1 for level, later in itertools.pairwise(levels))
    assert page.locator("table").count() == page.locator("table > caption").count()
    for chart in page.locator(".chart").all():
        assert chart.get_attribute("role") == "img"
        assert "/s" in chart.get_attribute("aria-label")
    targets = page.locator("nav a").evaluate_all(
        "nodes => nodes.map(node => document.querySelector(node.getAttribute('href')))"
    )
    assert len(targets) == 8
    assert None not in targets


def test_both_architectures_and_the_comparison_are_on_the_page(chromium, path):
    page = open_file(chromium, path, width=1280).page
    summary_text = page.locator("main > section").first.inner_text()
    result = series.load(STORED / "training.json")
    assert architectures.sentence([result]) in summary_text
    against = page.locator("section:has(> h3:text-is('Against older'))")
    verdicts = against.locator("td:last-child").all_text_contents()
    assert verdicts.count("slower") == 1
    assert verdicts.count("only in old") == 1
    assert against.locator("td.bad").count() == 2
    assert page.locator("td.bad", has_text="outside 1.00 ± 0.02").count() == 2


def hostile_result():
    result = of_arms(HOSTILE[0])
    names = list(result["arms"])
    for name, hostile in zip(names, HOSTILE, strict=False):
        result["arms"][hostile] = {**result["arms"].pop(name), "group": hostile}
        result["absent"][hostile] = hostile
        result["fingerprint"] = {**result["fingerprint"], hostile: hostile}
        result["ceilings"][hostile] = summary("bytes", 1e9)
        result[hostile] = {"control": {"ratio": 1.0}, "rate": summary(hostile, 3.0)}
    return result


def test_names_in_results_are_text_and_never_run(chromium, tmp_path):
    name = "<img src=x onerror=alert(1)>"
    given = write(tmp_path / f"{name}.json", hostile_result())
    out, markdown = tmp_path / "report.html", tmp_path / "report.md"
    options = [f"--out={out}", f"--markdown={markdown}", f"--against={given}"]
    assert report.main(["report", given, *options]) == 0
    opened = open_file(chromium, out, width=360)
    page = opened.page
    page.locator(".chart").first.hover(position={"x": 10, "y": 28})
    assert page.evaluate("window.hacked") is None
    assert opened.complaints == []
    assert opened.requests == [out.as_uri()]
    assert page.locator("img, iframe, [onload], [onerror], [onmouseover]").count() == 0
    assert page.locator(".chart a").count() == 0
    assert page.locator("script").count() == 3
    text = page.locator("main").inner_text()
    assert all(hostile in text for hostile in HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for line in markdown.read_text().splitlines():
        assert "<" not in line.replace("\\<", "")


def test_even_a_script_that_got_in_would_not_run(chromium, path, tmp_path):
    page = path.read_text(encoding="utf-8")
    planted = tmp_path / "planted.html"
    elements = (
        "<script>window.hacked = 1</script>",
        "<img src='https://example.com/x'>",
        "<iframe src='https://example.com/x'></iframe>",
    )
    changed = page.replace("</main>", f"{''.join(elements)}</main>", 1)
    planted.write_text(changed, encoding="utf-8")
    opened = open_file(chromium, planted, width=1280)
    assert opened.page.evaluate("window.hacked") is None
    assert opened.page.locator(".chart svg").count() > 0
    told = [of for of in opened.complaints if "Content Security Policy" in of]
    assert len(told) == len(elements)


def test_the_program_writes_page_markdown_and_json(tmp_path):
    given = write(tmp_path / "new.json", plain(a=2.0))
    names = {"out": "r.html", "markdown": "r.md", "json": "r.json"}
    flags = [f"--{flag}={tmp_path / name}" for flag, name in names.items()]
    done = python("-m", "benchmarks.report", given, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"wrote {tmp_path / 'r.html'}\n"
    assert (tmp_path / "r.html").read_text().lower().startswith("<!doctype html>")
    assert "| a | 2.00 clips/s |" in (tmp_path / "r.md").read_text()
    told = json.loads((tmp_path / "r.json").read_text())
    assert [section["title"] for section in told["sections"]][2] == "plain (new)"
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments expected: 1 or more"),
        (["/missing.json"], "'/missing.json' can't be read: No such file"),
        (["good", "--out=/nowhere/x.html"], "--out='/nowhere/x.html' can't be written"),
        (["good", "--markdown=/nowhere/x"], "--markdown='/nowhere/x' can't be written"),
        (["good", "--json=/nowhere/x"], "--json='/nowhere/x' can't be written"),
        (["good", "--against=/missing"], "'/missing' can't be read"),
        (["good", "--against=other"], "--against has a result of 'storage': expected some"),
        (["broken"], "'a' has clips_per_s='x': expected a number"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_no_file(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    broken = copy.deepcopy(plain(a=1.0))
    broken["arms"]["a"]["clips_per_s"] = "x"
    write(tmp_path / "broken", broken)
    write(tmp_path / "good", plain(a=1.0))
    write(tmp_path / "other", {**plain(a=1.0), "benchmark": "storage"})
    assert report.main(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert len(list(tmp_path.iterdir())) == 3


def test_a_page_that_can_not_be_written_is_one_line(tmp_path, monkeypatch, capsys):
    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(report.text_file, "write", full)
    given = write(tmp_path / "new.json", plain(a=2.0))
    assert report.main(["report", given, f"--out={tmp_path / 'r.html'}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_help_has_examples(capsys):
    assert report.main(["report", "--help"]) == 0
    assert (
        "python -m benchmarks.report benchmarks/results/*.json" in capsys.readouterr().out
    )
