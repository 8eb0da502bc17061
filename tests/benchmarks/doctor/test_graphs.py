import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import graph_edits, graphs
from tests.benchmarks.doctor.awkward import HARD
from tests.benchmarks.doctor.misconfigured import CASES, FINE

COMPLETE = [case for case in HARD if not case.fails_at]


def double(value):
    return value * 2


def is_even(value):
    return value % 2 == 0


def pipeline_of_four():
    dataset = tf.data.Dataset.range(40).map(double, name="double")
    dataset = dataset.filter(is_even).shuffle(8, seed=3)
    return dataset.batch(5, name="batch")


def firsts(dataset, count=6):
    return [tf.nest.flatten(each, expand_composites=True) for each in dataset.take(count)]


def assert_equal_elements(old, new):
    assert len(old) == len(new)
    for one, other in zip(old, new, strict=True):
        for left, right in zip(one, other, strict=True):
            if left.dtype not in (tf.variant, tf.resource):
                np.testing.assert_array_equal(left.numpy(), right.numpy())


def test_stages_are_named_as_the_user_named_them():
    nodes = graphs.read(pipeline_of_four()).nodes
    assert [(node.name, node.function) for node in nodes] == [
        ("RangeDataset", ""),
        ("double", "double"),
        ("FilterDataset", "is_even"),
        ("ShuffleDatasetV3", ""),
        ("batch", ""),
    ]
    assert [node.inputs for node in nodes[1:]] == [(node.tag,) for node in nodes[:-1]]


def test_what_tensorflow_composes_has_the_name_that_users_know():
    def generator():
        yield 1

    made = tf.data.Dataset.from_generator(
        generator, output_signature=tf.TensorSpec([], tf.int64)
    )
    assert graphs.read(made).nodes[-1].name == "GeneratorDataset"
    files = ["a", "b"]
    assert graphs.read(tf.data.TFRecordDataset(files)).nodes[-1].name == "TFRecordDataset"
    parallel = tf.data.TextLineDataset(files, num_parallel_reads=2)
    assert graphs.read(parallel).nodes[-1].name == "TextLineDataset"
    mapped = tf.data.Dataset.from_tensor_slices(files).flat_map(tf.data.TFRecordDataset)
    assert graphs.read(mapped).nodes[-1].name == "FlatMapDataset"


def test_stages_of_one_name_are_told_apart():
    dataset = tf.data.Dataset.range(4).map(double, name="same").map(double, name="same")
    pipeline = graphs.read(dataset)
    tags = [node.tag for node in pipeline.nodes]
    assert len(set(tags)) == 3
    assert [node.name for node in pipeline.nodes] == ["RangeDataset", "same", "same"]
    again = graphs.read(graphs.build(pipeline))
    assert [node.tag for node in again.nodes] == tags, "they keep their tags"


@pytest.mark.parametrize("case", [*CASES, *FINE, *COMPLETE], ids=lambda case: case.name)
def test_what_is_read_is_built_again(case, tmp_path):
    make_dataset = case.make(tmp_path)
    made = make_dataset()
    built = graphs.build(graphs.read(made))
    assert built.element_spec == made.element_spec
    if case.is_repeatable:
        assert_equal_elements(firsts(made, 2), firsts(built, 2))


def test_a_part_is_built_with_other_inputs():
    pipeline = graphs.read(pipeline_of_four())
    tags = {node.name: node.tag for node in pipeline.nodes}
    other = tf.data.Dataset.range(100, 104)
    built = graphs.build(pipeline, tags["double"], {tags["RangeDataset"]: other})
    assert [int(value) for (value,) in built] == [200, 202, 204, 206]


def test_the_state_of_the_dataset_is_left_alone():
    made, other = (tf.data.Dataset.range(20).shuffle(20, seed=1) for _ in range(2))
    list(graphs.build(graphs.read(made)))
    assert [int(each) for each in made] == [int(each) for each in other]


def test_what_a_cache_holds_is_not_shared():
    calls = tf.Variable(0)

    def counted(value):
        calls.assign_add(1)
        return value

    made = tf.data.Dataset.range(3).map(counted).cache()
    built = graphs.build(graphs.read(made))
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
    number, word = next(iter(graphs.build(pipeline)))
    assert (number.shape, word.numpy()) == ((500,), b"\xff" * 3000)


def test_a_graph_that_does_not_fit_is_one_line():
    pipeline = graph_edits.edited(graphs.read(tf.data.Dataset.range(5)))
    pipeline.node_def(pipeline.nodes[-1].tag).op = "NoSuchDataset"
    with pytest.raises(graphs.GraphError, match="NoSuchDataset") as caught:
        graphs.build(pipeline)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("{{function_node __wrapped}} it broke [Op:IteratorGetNext]", "it broke"),
        ("first\nsecond", "first"),
        (
            "in user code:\n\n    File x\n    ValueError: what it is",
            "ValueError: what it is",
        ),
        ("", "ValueError"),
    ],
)
def test_errors_are_shortened(message, line):
    assert graphs.first_line(ValueError(message)) == line
