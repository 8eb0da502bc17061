"""What hands elements on, behind others than those it was made for."""

import tensorflow as tf

from benchmarks.doctor import graphs, reordering

WORDS = tf.data.Dataset.range(20).map(lambda each: {"word": tf.strings.as_string(each)})


def stages_of(pipeline):
    return [node for node in pipeline.nodes if node.op in reordering.CALLS]


def behind(dataset, other):
    pipeline = graphs.read(dataset)
    return reordering.behind(other, pipeline, stages_of(pipeline))


def test_stages_do_the_same_to_numbers_as_to_elements():
    dataset = (
        WORDS.shuffle(7, seed=3)
        .repeat(2)
        .skip(3)
        .map(lambda each: each["word"])
        .shard(2, 1)
        .take(11)
        .prefetch(2)
    )
    assert len(stages_of(graphs.read(dataset))) == 6
    numbers = behind(dataset, tf.data.Dataset.range(20))
    assert [int(word) for word in dataset] == [int(number) for (number,) in numbers]


def test_elements_may_be_of_several_tensors():
    other = tf.data.Dataset.range(20).map(lambda each: (each, tf.fill([3], each)))
    found = behind(WORDS.skip(18).repeat(2), other)
    assert [int(number) for number, _ in found] == [18, 19, 18, 19]
    assert found.element_spec[1] == tf.TensorSpec([3], tf.int64)


def test_without_stages_nothing_is_done():
    other = tf.data.Dataset.range(3)
    assert reordering.behind(other, graphs.read(WORDS), ()) is other
