import re

from benchmarks import report_page
from benchmarks.report_sections import Chart, Section, Table

TITLE = "Title <b>"


def section(cells=("a", "1"), figure=None):
    figure = {"data": [], "layout": {"height": 50}} if figure is None else figure
    table = Table("Caption", [["name", "value"], list(cells)])
    return Section("Part", ["Note"], [table], [Chart("Chart", "Told", figure)])


def body(*sections):
    """The page without its scripts and styles."""
    page = report_page.page(sections, TITLE)
    return re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)


def test_the_page_loads_nothing_and_has_plotly_once():
    page = report_page.page([section(), section()], TITLE)
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("plotly.js v") == 1
    assert re.findall(r'(?:src|href)="?([^"]*)', body(section())) == ["#part-1"]
    assert "default-src 'none'" in page


def test_text_is_escaped():
    found = body(section(cells=("<i>/<b>", "<u>")))
    assert "Title &lt;b&gt;" in found
    assert "&lt;i&gt;/<wbr>&lt;b&gt;" in found
    assert ">&lt;u&gt;</td>" in found


def test_a_figure_can_not_end_its_element():
    layout = {"height": 50, "title": {"text": "</script><script>"}}
    page = report_page.page([section(figure={"data": [], "layout": layout})], TITLE)
    assert page.count("</script>") == 3
    assert "\\u003c/script>" in page


def test_numbers_stand_to_the_right_and_verdicts_are_marked():
    lines = [
        ["name", "rate", "version", "about", "verdict"],
        ["a", "1,000.5 clips/s", "2.21.0", "x" * 50, "slower"],
        ["b", "-", "3.11.7", "", "faster"],
        ["c", "57%", "4.9.10", "", "outside 1.00"],
    ]
    assert report_page._sides(lines) == ["", "number", "", "prose", ""]
    assert [report_page._verdict(line[-1]) for line in lines[1:]] == ["bad", "good", "bad"]


def test_a_table_without_lines_has_its_headings():
    empty = Section("Part", tables=[Table("Caption", [["name", "value"]])])
    assert body(empty).count("<th ") == 2


def test_parts_have_headings_of_the_next_level_and_identifiers_of_their_own():
    whole = Section("Whole", parts=[section(), Section("Other", parts=[section()])])
    found = body(whole)
    assert re.findall(r"<h(\d)", found) == ["1", "2", "3", "3", "4"]
    identifiers = re.findall(r' id="([^"]+)"', found)
    assert len(identifiers) == len(set(identifiers))
