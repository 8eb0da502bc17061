import json

import pytest

from benchmarks import measure, series
from tests.benchmarks import result_files
from tests.benchmarks.result_files import FINGERPRINT, STORED, plain, summary


def test_rates_are_named_by_their_path_without_levels_that_tell_nothing():
    found = series.rates(series.load(STORED / "training.json"))
    fast = found["cnn_lstm/train/fast"]
    assert (fast.unit, fast.repeats) == ("clips", 7)
    assert fast.low < fast.per_s < fast.high
    assert found["ceilings/sgemm"].unit == "flops"
    stored = series.rates(series.load(STORED / "storage.json"))
    assert {"zlib/build", "png/read", "ceilings/memset_1_threads"} <= set(stored)
    assert series.rates(series.load(STORED / "recipes-standard.json")) == {}


def test_what_the_protocol_writes_is_what_is_read():
    samples = measure.Samples(count=12, checksum=0, seconds=(1.0, 2.0, 3.0, 4.0))
    result = {"arms": {"a": {"about": "x", **samples.summary("naps"), "peak_mib": 3}}}
    assert series.rates(result) == {
        "a": series.Rate("a", "naps", per_s=5.0, low=3.0, high=12.0, spread=1.8, repeats=4)
    }


def test_a_rate_without_its_extremes_is_no_summary():
    known = {"expected_clips_per_s": 5.0, "clips_per_s": 5.0, "ratio": 1.0}
    assert series.rates({"known_rate": known}) == {}
    assert series.rates({"a": {**known, "spread": 0.1, "repeats": 3}}) == {}


@pytest.mark.parametrize("value", ["many", None, True, -1.0, float("nan"), float("inf")])
def test_a_summary_that_holds_no_number_is_an_error(value):
    result = {"arms": {"a": {**summary("clips", 5.0), "clips_per_s": value}}}
    with pytest.raises(series.ResultError, match="'a' has clips_per_s="):
        series.rates(result)


def test_two_rates_of_one_name_are_an_error():
    twice = {"arms": {"a": summary("clips", 5.0)}, "ways": {"a": summary("clips", 5.0)}}
    with pytest.raises(series.ResultError, match="two rates are called 'a'"):
        series.rates(twice)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not the result of a benchmark"),
        (json.dumps({"benchmark": "x"}), "with 'benchmark' and 'fingerprint'"),
        (json.dumps({"fingerprint": FINGERPRINT}), "with 'benchmark' and 'fingerprint'"),
        (json.dumps({"benchmark": 3, "fingerprint": {}}), "is not the result"),
    ],
)
def test_a_file_that_is_no_result_is_one_line(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(series.ResultError, match=message) as caught:
        series.load(path)
    assert "\n" not in str(caught.value)


def test_files_that_can_not_be_read_are_one_line(tmp_path):
    with pytest.raises(series.ResultError, match="can't be read: No such file"):
        series.load(tmp_path / "missing.json")
    with pytest.raises(series.ResultError, match="can't be read: Is a directory"):
        series.load(tmp_path)
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(series.ResultError, match="is not JSON"):
        series.load(tmp_path / "x.json")


def test_a_result_that_is_read_is_what_was_written(tmp_path):
    path = result_files.write(tmp_path / "x.json", plain(a=5.0))
    assert series.load(path) == plain(a=5.0)
