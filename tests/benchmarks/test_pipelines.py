import pytest
import tensorflow as tf

from benchmarks import batch_turns, pipelines
from benchmarks.batch_turns import Place
from benchmarks.measure import WrongWorkError

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


def test_a_source_of_known_rate_sleeps_between_its_batches(tmp_path):
    place = Place(batch_size=4, num_clips=16, folder=tmp_path)
    dataset = pipelines.known_rate(place, batch_seconds=0.02)
    batches = dataset.take(5).as_numpy_iterator()
    assert [batch["index"][0] for batch in batches] == [0, 4, 8, 12, 0]
    graph = tf.compat.v1.GraphDef.FromString(dataset._as_serialized_graph().numpy())
    assert "SleepDataset" in {node.op for node in graph.node}
