import pytest

from benchmarks import readme_tables
from tests.benchmarks.result_files import plain, write

END = "<!-- end of table -->"


def document(*blocks):
    lines = ["# Title", ""]
    for path, table in blocks:
        lines += [f"<!-- table: {path} -->", *table, END, "", "text"]
    return "\n".join([*lines, ""])


def table_of(path):
    return f"| {path} |\n|---|"


def test_documents_show_the_stored_results(capsys):
    assert readme_tables.main(["readme_tables", "--check"]) == 0, capsys.readouterr().out


def test_the_stored_results_are_shown():
    shown = {
        marker.partition("#")[0]
        for name in readme_tables.DOCUMENTS
        for marker in readme_tables._START.findall((readme_tables.ROOT / name).read_text())
    }
    # Results of `make bench` have a machine in their names.
    stored = {
        str(path.relative_to(readme_tables.ROOT))
        for path in (readme_tables.ROOT / "benchmarks/results").glob("*.json")
        if "cpus-" not in path.name
    }
    assert shown == stored
    assert len(stored) >= 5


def test_only_what_is_between_markers_changes():
    old = document(("a", ["| old |", "more"]), ("b", []), ("c", ["| c |", "|---|"]))
    new, stale = readme_tables.rewritten(old, table_of)
    assert new == document(
        ("a", ["| a |", "|---|"]), ("b", ["| b |", "|---|"]), ("c", ["| c |", "|---|"])
    )
    assert stale == ["a", "b"]
    assert readme_tables.rewritten(new, table_of) == (new, [])


def test_a_document_without_markers_stays():
    text = "no tables\r\n\n| x |\n<!-- table: in a line --> of text"
    assert readme_tables.rewritten(text, table_of) == (text, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- table: a -->\n| x |\n", "the table of 'a' has no end"),
        (f"<!-- table: a -->\n<!-- table: b -->\n{END}", "the table of 'a' has no end"),
        (f"| x |\n{END}\n", "without a start"),
    ],
)
def test_markers_that_make_no_sense_are_an_error(text, message):
    with pytest.raises(readme_tables.MarkerError, match=message):
        readme_tables.rewritten(text, table_of)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(readme_tables, "ROOT", tmp_path)
    monkeypatch.setattr(readme_tables, "DOCUMENTS", ("README.md", "other.md"))
    write(tmp_path / "a.json", plain(a=100.0))
    (tmp_path / "README.md").write_text(document(("a.json", ["| old |"])))
    (tmp_path / "other.md").write_text("nothing")
    return tmp_path


def test_check_names_stale_tables_and_changes_nothing(root, capsys):
    before = (root / "README.md").read_text()
    assert readme_tables.main(["readme_tables", "--check"]) == 1
    assert capsys.readouterr().out == "README.md: the table is not that of a.json\n"
    assert (root / "README.md").read_text() == before


def test_tables_are_rewritten(root, capsys):
    assert readme_tables.main(["readme_tables"]) == 0
    assert capsys.readouterr().out == "README.md: the table is now that of a.json\n"
    assert "\n| a | 100 clips/s |" in (root / "README.md").read_text()
    assert readme_tables.main(["readme_tables", "--check"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("README.md", None, "README.md can't be read: No such file"),
        ("other.md", f"{END}\n", "other.md: '<!-- end of table -->' without a start"),
        ("a.json", None, "a.json' can't be read: No such file"),
        ("a.json", "[]", "a.json' is not the result of a benchmark"),
    ],
)
def test_a_failure_is_one_line_and_changes_nothing(root, capsys, name, content, message):
    (root / name).unlink()
    if content is not None:
        (root / name).write_text(content)
    before = {path.name: path.read_text() for path in root.iterdir()}
    assert readme_tables.main(["readme_tables"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert {path.name: path.read_text() for path in root.iterdir()} == before


def test_arguments_are_wrong_usage(capsys):
    assert readme_tables.main(["readme_tables", "README.md"]) == 2
    assert "unexpected argument" in capsys.readouterr().err
