import pytest

from benchmarks import per_core
from benchmarks.measure import Samples


def result():
    return {
        "clip_bytes": 1000,
        "arms": {"loop": {"cpu_us_per_clip": 40.0}},
        "ceilings": {"memset_batch_1_threads": {"bytes_per_s": 1e9}},
        "stream_vs_loop_per_core": {"loop": 25.0},
    }


def test_cpu_time_of_a_clip_is_compared_and_not_the_rate():
    def of(cpu_us):
        return Samples(128, 0, seconds=(1.0,), notes={"cpu_us_per_clip": cpu_us})

    fed, alone = per_core.LOOPS
    samples = {"stream": of(10.0), fed: of(340.0), alone: of(95.0)}
    assert per_core.ratios(samples, "stream") == {fed: 34.0, alone: 9.5}


def test_what_a_core_makes_is_compared_with_memset():
    assert per_core.parts(result())["per_core"][1] == ["loop", "25.0x", "40.0x"]
    assert per_core.notes(result()) == [
        "the stream makes 25.0x the clips of loop, per core"
    ]


@pytest.mark.parametrize("missing", ["stream_vs_loop_per_core", "ceilings", "clip_bytes"])
def test_what_was_not_measured_has_no_table(missing):
    partial = result()
    del partial[missing]
    assert per_core.parts(partial) == {}
    assert bool(per_core.notes(partial)) == (missing != "stream_vs_loop_per_core")
