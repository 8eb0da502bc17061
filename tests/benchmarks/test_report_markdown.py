from benchmarks import report_markdown, series, tables
from benchmarks.report_sections import Measured, Section, Table, sections
from tests.benchmarks.result_files import STORED


def test_the_tables_are_those_of_the_page():
    result = series.load(STORED / "storage.json")
    text = report_markdown.markdown(sections([Measured("storage", result)], []))
    assert text.startswith("# Benchmarks\n\n## Summary\n\n")
    assert tables.markdown(result) in text
    assert "### Controls" in text
    assert "### Rates" not in text, "there is nothing but charts in it"
    assert text.endswith("|\n")


def test_text_can_not_be_markup():
    section = Section("<b>", ["[a](b)"], [Table("`c`", [["|"]])])
    assert report_markdown.markdown([section]) == (
        "# Benchmarks\n\n## \\<b>\n\n\\[a](b)\n\n\\`c\\`:\n\n| \\| |\n|---|\n"
    )
