import time

import pytest

from benchmarks import batch_turns, pipelines
from benchmarks.arms import WrongWorkError
from benchmarks.batch_turns import Place

EVERY = [(group, name) for group, of_group in pipelines.GROUPS.items() for name in of_group]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(batch_turns, "_wait_until_idle", lambda: None)
    monkeypatch.setattr(batch_turns, "_UNCOUNTED_PART", 0.0)


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_every_pipeline_gives_the_clips_it_should(group, name, tmp_path):
    place = Place(batch_size=4, num_clips=16, folder=tmp_path)
    pipeline = pipelines.GROUPS[group][name]
    turn = batch_turns.turn_of(
        lambda: pipeline.make(place), pipeline.expected(place), seconds=0.05
    )
    work = turn()
    assert work.count == 4
    pixel_bytes = 520_000 if pipeline.is_float else 130_000
    assert pixel_bytes < work.notes["delivered_bytes_per_clip"] < pixel_bytes + 1000


def test_a_pipeline_that_skips_or_repeats_is_seen(tmp_path):
    place = Place(batch_size=4, num_clips=16, folder=tmp_path)
    stream = pipelines.GENERATED["stream"]
    for broken in (
        lambda: stream.make(place).skip(1),
        lambda: stream.make(place).take(2).cache().repeat(),
        lambda: stream.make(place).take(3),
        lambda: stream.make(place).take(0),
    ):
        with pytest.raises(WrongWorkError):
            batch_turns.turn_of(broken, stream.expected(place), seconds=0.5)()


def test_a_source_of_known_rate_makes_up_for_sleep_that_takes_longer(tmp_path):
    now = 0.0
    slept = []

    def sleep(seconds):
        nonlocal now
        slept.append(round(seconds, 3))
        now += seconds + (0.004 if len(slept) != 4 else 0.5)

    place = Place(batch_size=4, num_clips=16, folder=tmp_path)
    dataset = pipelines.known_rate(
        place, batch_seconds=0.02, clock=lambda: now, sleep=sleep
    )
    batches = dataset.take(6).as_numpy_iterator()
    assert [batch["index"][0] for batch in batches] == [0, 4, 8, 12, 0, 4]
    # A pause of half a second is not made up for.
    assert slept[:6] == [0.02, 0.016, 0.016, 0.016, 0.02, 0.016]


def test_a_source_of_known_rate_keeps_it(tmp_path):
    place = Place(batch_size=4, num_clips=16, folder=tmp_path)
    batches = iter(pipelines.known_rate(place, batch_seconds=0.05))
    next(batches)
    begin = time.perf_counter()
    for _ in range(20):
        next(batches)
    # A busy machine makes it late, never early: one batch can be ready.
    assert time.perf_counter() - begin > 0.05 * 18
