import tensorflow as tf

from benchmarks.doctor import graphs, origins


def test_each_stage_has_the_line_that_made_it():
    with origins.recorded():
        dataset = tf.data.Dataset.range(3)
        dataset = dataset.map(lambda each: each + 1)
        dataset = dataset.batch(2).prefetch(1)
    pipeline = graphs.read(dataset)
    lines = origins.of(dataset, pipeline)
    found = [lines[node.tag] for node in pipeline.nodes]
    assert [line.split(":")[0] for line in found] == ["test_origins.py"] * 4
    numbers = [int(line.split(":")[1]) for line in found]
    assert numbers[1:] == [numbers[0] + 1, numbers[0] + 2, numbers[0] + 2]


def test_lines_of_both_branches_are_known():
    with origins.recorded():
        one = tf.data.Dataset.range(3)
        other = tf.data.Dataset.range(4)
        both = tf.data.Dataset.zip((one, other))
    pipeline = graphs.read(both)
    assert len(set(origins.of(both, pipeline).values())) == 3


def test_datasets_of_others_have_none():
    dataset = tf.data.Dataset.range(3)
    assert origins.of(dataset, graphs.read(dataset)) == {}
    loaded = tf.data.Dataset.from_tensors(0)
    with origins.recorded():
        made = loaded.batch(2)
    pipeline = graphs.read(made)
    assert list(origins.of(made, pipeline)) == [pipeline.nodes[-1].tag]


def test_nothing_is_left_behind():
    before = tf.data.Dataset.__init__
    with origins.recorded():
        assert tf.data.Dataset.__init__ is not before
    assert tf.data.Dataset.__init__ is before
