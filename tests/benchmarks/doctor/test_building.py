import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import building, graph_edits, graphs
from tests.benchmarks.doctor.awkward import HARD
from tests.benchmarks.doctor.misconfigured import CASES, FINE

COMPLETE = [case for case in HARD if not case.fails_at]


def double(value):
    return value * 2


def doubled_batches():
    dataset = tf.data.Dataset.range(40).map(double, name="double")
    return dataset.batch(5, name="batch")


def firsts(dataset, count=6):
    return [tf.nest.flatten(each, expand_composites=True) for each in dataset.take(count)]


def assert_equal_elements(old, new):
    assert len(old) == len(new)
    for one, other in zip(old, new, strict=True):
        for left, right in zip(one, other, strict=True):
            if left.dtype not in (tf.variant, tf.resource):
                np.testing.assert_array_equal(left.numpy(), right.numpy())


@pytest.mark.parametrize("case", [*CASES, *FINE, *COMPLETE], ids=lambda case: case.name)
def test_what_is_read_is_built_again(case, tmp_path):
    make_dataset = case.make(tmp_path)
    made = make_dataset()
    built = building.build(graphs.read(made))
    assert built.element_spec == made.element_spec
    if case.is_repeatable:
        assert_equal_elements(firsts(made, 2), firsts(built, 2))


def test_a_part_is_built_with_other_inputs():
    pipeline = graphs.read(doubled_batches())
    tags = {node.name: node.tag for node in pipeline.nodes}
    other = tf.data.Dataset.range(100, 104)
    built = building.build(pipeline, tags["double"], {tags["RangeDataset"]: other})
    assert [int(value) for (value,) in built] == [200, 202, 204, 206]


def test_the_state_of_the_dataset_is_left_alone():
    made, other = (tf.data.Dataset.range(20).shuffle(20, seed=1) for _ in range(2))
    list(building.build(graphs.read(made)))
    assert [int(each) for each in made] == [int(each) for each in other]


def test_what_a_cache_holds_is_not_shared():
    calls = tf.Variable(0)

    def counted(value):
        calls.assign_add(1)
        return value

    made = tf.data.Dataset.range(3).map(counted).cache()
    built = building.build(graphs.read(made))
    for _ in range(2):
        list(made)
    for _ in range(2):
        list(built)
    assert calls.numpy() in (3, 6)


def test_large_constants_are_handed_over():
    values = np.zeros((100, 500), np.int64)
    words = np.array([b"\xff" * 3000] * 100)
    pipeline = graphs.read(tf.data.Dataset.from_tensor_slices((values, words)))
    assert len(pipeline.constants) == 2
    assert pipeline.graph.ByteSize() < 10_000
    number, word = next(iter(building.build(pipeline)))
    assert (number.shape, word.numpy()) == ((500,), b"\xff" * 3000)


def test_a_graph_that_does_not_fit_is_one_line():
    pipeline = graph_edits.edited(graphs.read(tf.data.Dataset.range(5)))
    pipeline.node_def(pipeline.nodes[-1].tag).op = "NoSuchDataset"
    with pytest.raises(graphs.GraphError, match="NoSuchDataset") as caught:
        building.build(pipeline)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["double", "batch"])
def test_another_dataset_takes_the_place_of_a_stage(name):
    pipeline = graphs.read(doubled_batches())
    tags = {node.name: node.tag for node in pipeline.nodes}
    ones = tf.data.Dataset.from_tensors(tf.constant(1, tf.int64)).repeat(10)
    other = ones if name == "double" else ones.batch(5)
    changed = building.substituted(pipeline, tags[name], other)
    assert [each.tolist() for each in building.build(changed).as_numpy_iterator()] == [
        [1] * 5,
        [1] * 5,
    ]
    assert ("batch" in [node.name for node in changed.nodes]) == (name == "double")


def test_a_node_that_is_no_dataset_has_a_value():
    pipeline = graphs.read(doubled_batches())
    node = pipeline.node_def(pipeline.nodes[-1].tag)
    size = node.input[graphs.position(node, "batch_size")].partition(":")[0]
    assert int(building.evaluated(pipeline, size)) == 5
    with pytest.raises(KeyError, match="nothing"):
        building.evaluated(pipeline, "nothing")
