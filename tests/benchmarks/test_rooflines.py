import pytest

from benchmarks import rooflines, series, training
from tests.benchmarks.result_files import STORED, of_arms, plain, summary


def test_steps_stand_below_sgemm_by_their_operations():
    result = series.load(STORED / "training.json")
    found = rooflines.roofline(result)
    assert [rate.name for rate in found.ceilings] == ["SGEMM"]
    achieved = {rate.name: rate for rate in found.achieved}
    kinds = [kind for kinds in result["models"].values() for kind in kinds.values()]
    assert len(achieved) == sum(len(kind["ways"]) for kind in kinds)
    for model, kinds in result["models"].items():
        for kind, figures in kinds.items():
            fast = achieved[f"{model}/{kind}/fast"]
            assert fast.unit == "flops"
            expected = figures["fraction_of_sgemm"]
            assert found.fraction(fast) == pytest.approx(expected, rel=0.01)
            assert fast.low < fast.per_s < fast.high
    flops = training.step_flops("cnn_lstm", 32, (20, 50, 130, 1))["train"]
    step_s = result["models"]["cnn_lstm"]["train"]["ways"]["fast"]["step_ms"] / 1000
    fast = achieved["cnn_lstm/train/fast"]
    assert fast.per_s == pytest.approx(flops / step_s, rel=0.01)


def test_of_storage_only_reading_delivers_frames():
    result = series.load(STORED / "storage.json")
    found = rooflines.roofline(result)
    assert [rate.name for rate in found.achieved] == [
        "zlib/read",
        "raw/read",
        "png/read",
        "trajectories/read",
    ]
    assert found.highest.name == "memset, 2 threads"
    read = result["encodings"]["raw"]["read"]["clips_per_s"] * 130_000
    memset = result["ceilings"]["memset_2_threads"]["bytes_per_s"]
    assert found.fraction(found.achieved[1]) == pytest.approx(read / memset)


def test_arms_count_the_bytes_that_each_delivers():
    result = of_arms("input")
    achieved = {rate.name: rate.per_s for rate in rooflines.roofline(result).achieved}
    assert achieved["ours"] == 104e3 * 130_000
    assert achieved["row gather, float32"] == 11e3 * 520_000
    del result["arms"]["ours"]["delivered_bytes_per_clip"]
    achieved = {rate.name: rate.per_s for rate in rooflines.roofline(result).achieved}
    assert achieved["ours"] == 104e3 * 130_000, "those of a clip"


def test_a_result_without_ceilings_or_bytes_has_no_roofline():
    assert rooflines.roofline(plain(a=1.0)) is None
    ceilings = {"memset_1_threads": summary("bytes", 1e9)}
    assert rooflines.roofline({**plain(a=1.0), "ceilings": ceilings}) is None
    found = rooflines.roofline({**plain(a=1.0), "ceilings": ceilings, "clip_bytes": 100})
    assert [rate.name for rate in found.ceilings] == ["memset, 1 thread"]


def test_a_table_has_ceilings_first():
    lines = rooflines.table(rooflines.roofline(of_arms("peers")))
    assert lines[0] == ["rate", "a second", "of memset, 2 threads"]
    assert lines[2] == ["memset, 2 threads", "20.0 GB/s", "100%"]
    assert lines[5] == ["notebook loop", "403 MB/s", "2.0%"]
