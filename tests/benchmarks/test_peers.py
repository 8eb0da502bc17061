import re

import pytest

from benchmarks import peer_loaders, peers, pipelines

BEST, OTHER = "PyTorch, batches", "WebDataset"


def arm(clips_per_s, **more):
    return {
        "about": "",
        "clips_per_s": clips_per_s,
        "spread": 0.1,
        "cpu_us_per_clip": 1e6 / clips_per_s,
        "fraction_of_memset": clips_per_s / 2e5,
        "stream_is": {"ratio": 1.5e5 / clips_per_s},
        **more,
    }


def result():
    return {
        "clip_bytes": 130_000,
        "arms": {
            "dotmotion stream": arm(1.5e5),
            "dotmotion stored, raw": arm(1.2e5),
            "notebook's loop": arm(2e3),
            OTHER: arm(2.5e3, workers=2),
            BEST: arm(5e4, workers=1),
        },
        "absent": {"DALI": "not installed: pip install '.[peers]'"},
        "ceilings": {"memset_batch_1_threads": {"bytes_per_s": 1e10}},
        "stream_vs_loop_per_core": {"notebook's loop": 33.3},
    }


def test_the_fastest_come_first_and_the_absent_last():
    _, *lines = peers.table(result())
    assert [line[0] for line in lines] == [
        *("dotmotion stream", "dotmotion stored, raw", BEST, OTHER, "notebook's loop"),
        "DALI",
    ]
    assert lines[0][-1] == ""
    assert lines[2][2:4] == ["1", "50,000"]
    assert lines[2][-1] == "3.0x"
    assert lines[-1][1] == "absent: not installed: pip install '.[peers]'"


def test_the_stream_is_compared_with_the_best_of_other_libraries_only():
    found = peers.parts(result())
    assert found["in_one_run"][1:] == [
        ["memset by as many threads", "0.75x"],
        [f"the fastest other library: {BEST}", "3.0x"],
        ["notebook's loop, per core", "33.3x"],
    ]
    assert list(found) == ["in_one_run", "per_core"]


def test_without_other_libraries_none_is_the_best():
    alone = result()
    del alone["arms"][BEST], alone["arms"][OTHER]
    assert list(peers.parts(alone)) == ["per_core"]


@pytest.mark.parametrize("name", [*peers._PIPELINES])
def test_every_pipeline_of_this_project_is_one_of_those_that_input_measures(name):
    pipeline = peers._PIPELINES[name]
    assert pipeline.name in pipelines.GROUPS[pipeline.group]
    if not name.startswith("dotmotion"):
        assert pipeline.about == pipelines.GROUPS[pipeline.group][pipeline.name].about


def test_a_run_has_everything_that_the_stream_is_compared_with(tmp_path, monkeypatch):
    monkeypatch.setattr(peer_loaders, "PEERS", {})
    turns = []
    found = peers.measure_peers(
        batch_size=8,
        num_clips=32,
        repeats=1,
        seconds=0.05,
        folder=tmp_path,
        advance=turns.append,
    )
    assert set(found["arms"]) == set(peers._PIPELINES)
    assert found["arms"]["dotmotion stream"]["stream_is"]["ratio"] == 1.0
    assert set(found["stream_vs_loop_per_core"]) == set(peers.per_core.LOOPS)
    assert min(found["stream_vs_loop_per_core"].values()) > 0
    assert re.fullmatch(r"[\d.]+x", peers.parts(found)["per_core"][1][1])
    assert turns
