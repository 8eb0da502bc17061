import pytest

from benchmarks import ceilings
from benchmarks.arms import Work


def test_every_turn_writes_the_whole_buffer(monkeypatch):
    monkeypatch.setattr(ceilings, "_BUFFER_BYTES", 1001)
    for arm in ceilings.memory_arms():
        turn = arm.prepare(*arm.arguments)
        assert turn() == turn() == Work(count=1001, checksum=14)


@pytest.mark.parametrize("prepare", [ceilings._prepare_memset, ceilings._prepare_memcpy])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_share_the_buffer_without_a_gap(monkeypatch, prepare, threads):
    monkeypatch.setattr(ceilings, "_BUFFER_BYTES", 10)
    written = []
    real = ceilings._in_threads

    def recorded(threads, work_on, target):
        written.append(target)
        return real(threads, work_on, target)

    monkeypatch.setattr(ceilings, "_in_threads", recorded)
    prepare(threads)()
    assert written[0].tolist() == [7] * 10
