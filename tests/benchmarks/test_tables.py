import pytest

from benchmarks import recipes, series, storage, tables, training
from tests.benchmarks.result_files import STORED, plain

MODULES = {"training": training, "storage": storage, "recipes-standard": recipes}


@pytest.mark.parametrize("name", MODULES)
def test_a_result_has_the_table_of_its_benchmark(name):
    result = series.load(STORED / f"{name}.json")
    assert tables.table(result) == MODULES[name].table(result)
    assert tables.as_markdown(tables.table(result)) == tables.markdown(result)


def test_a_benchmark_that_is_not_known_has_a_table_of_rates():
    lines = tables.table(plain(a=100.0, b=5.25))
    assert lines[1:] == [
        ["a", "100 clips/s", "95.0 clips/s", "105 clips/s", "10%", "5"],
        ["b", "5.25 clips/s", "4.99 clips/s", "5.51 clips/s", "10%", "5"],
    ]
    assert tables.markdown(plain(a=1.0)).startswith("| rate | median |")


def test_parts_of_a_result_have_tables_of_their_own():
    runs = [{"seed": 0, "steps": 60, "train_s": 5.25, "test_accuracy": 0.99}]
    result = series.load(STORED / "training.json")
    result["accuracy"] = {"cnn_lstm": {"fast": runs}}
    assert tables.parts(result)["accuracy"][1] == ["cnn_lstm, fast", "60", "5.2 s"]
    assert tables.markdown(result, "accuracy").endswith("| cnn_lstm, fast | 60 | 5.2 s |")
    with pytest.raises(series.ResultError, match="no part 'speed': expected one of"):
        tables.markdown(result, "speed")
    assert tables.parts(plain(a=1.0)) == {}


def test_a_module_that_is_absent_or_has_no_table_is_none(monkeypatch):
    monkeypatch.setitem(tables.MODULES, "plain", "benchmarks.not_there")
    assert tables.table(plain(a=100.0)) == tables.rates_table(plain(a=100.0))
    monkeypatch.setitem(tables.MODULES, "plain", "benchmarks.quantities")
    assert tables.table(plain(a=100.0)) == tables.rates_table(plain(a=100.0))
    assert tables.markdown(plain(a=100.0)).startswith("| rate |")


def test_a_module_that_needs_what_is_not_installed_is_one_line(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'grain'")

    monkeypatch.setattr(tables.importlib, "import_module", missing)
    with pytest.raises(series.ResultError, match="can't be imported: No module named"):
        tables.table({"benchmark": "storage", "fingerprint": {}})


@pytest.mark.parametrize("function", [tables.table, tables.markdown])
def test_a_result_that_lacks_what_its_table_shows_is_one_line(function):
    result = {"benchmark": "training", "fingerprint": {}}
    with pytest.raises(series.ResultError, match=r"lacks what its table shows.*'models'"):
        function(result)


def test_cells_can_not_break_a_table():
    hostile = "a|b <img> `c`\n[d](e)"
    assert tables.as_markdown([["x"], [hostile]]).splitlines() == [
        "| x |",
        "|---|",
        "| a\\|b \\<img> \\`c\\` \\[d](e) |",
    ]
