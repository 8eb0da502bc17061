import tensorflow as tf

from benchmarks.doctor import building, graph_edits, graphs


def double(value):
    return value * 2


def test_arguments_are_read_and_set():
    numbers = tf.data.Dataset.range(40).map(double, name="double")
    pipeline = graphs.read(numbers.batch(5, name="batch"))
    tag = pipeline.nodes[-1].tag
    assert int(pipeline.constant(tag, "batch_size")) == 5
    changed = graph_edits.edited(pipeline)
    graph_edits.set_argument(changed, tag, "batch_size", 3)
    assert next(iter(building.build(changed))).shape == (3,)
    assert next(iter(building.build(pipeline))).shape == (5,), "the original stays"


def test_an_operation_becomes_another():
    pipeline = graph_edits.edited(
        graphs.read(tf.data.Dataset.range(5).map(double, name="m"))
    )
    tag = pipeline.nodes[-1].tag
    arguments, attributes = {"num_parallel_calls": 2}, {"deterministic": "true"}
    graph_edits.replace_op(pipeline, tag, "ParallelMapDatasetV2", arguments, attributes)
    assert pipeline.node(tag).op == "ParallelMapDatasetV2"
    assert [int(each) for each in building.build(pipeline)] == [0, 2, 4, 6, 8]


def test_buffers_are_short_where_their_size_is_left_to_tensorflow():
    numbers = tf.data.Dataset.range(9).prefetch(tf.data.AUTOTUNE).map(double).prefetch(5)
    pipeline = graphs.read(numbers)
    changed = graph_edits.with_short_buffers(pipeline)
    assert [
        int(each.constant(node.tag, "buffer_size"))
        for each in (pipeline, changed)
        for node in each.nodes
        if node.op == "PrefetchDataset"
    ] == [-1, 5, 4, 5]
    assert [int(each) for each in building.build(changed)] == list(range(0, 18, 2))


def test_a_buffer_that_tensorflow_would_add_is_a_short_one():
    def last_of(dataset):
        pipeline = graphs.read(dataset)
        built = building.build(pipeline)
        return graphs.read(graph_edits.prefetched_shortly(built, pipeline)).nodes[-1].op

    numbers = tf.data.Dataset.range(9).map(double)
    assert last_of(numbers) == "PrefetchDataset"
    off = tf.data.Options()
    off.autotune.enabled = False
    assert last_of(numbers.with_options(off)) == "OptionsDataset"
    assert last_of(numbers.prefetch(5)) == "PrefetchDataset"
