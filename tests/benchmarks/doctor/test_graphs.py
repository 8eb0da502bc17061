import pytest
import tensorflow as tf

from benchmarks.doctor import building, graphs


def double(value):
    return value * 2


def is_even(value):
    return value % 2 == 0


def pipeline_of_four():
    dataset = tf.data.Dataset.range(40).map(double, name="double")
    dataset = dataset.filter(is_even).shuffle(8, seed=3)
    return dataset.batch(5, name="batch")


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
    again = graphs.read(building.build(pipeline))
    assert [node.tag for node in again.nodes] == tags, "they keep their tags"


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
