import tensorflow as tf

from benchmarks.doctor import graphs, traits


def of(dataset):
    pipeline = graphs.read(dataset)
    return traits.of(pipeline, pipeline.nodes[-1])


def pure(value):
    return tf.cond(value > 2, lambda: value + 1, lambda: value - 1)


@tf.function
def in_function(value):
    return tf.random.uniform([], seed=None) + tf.cast(value, tf.float32)


def python(value):
    return tf.py_function(lambda each: each, [value], tf.int64)


def numbers():
    yield from range(3)


NUMBERS = tf.data.Dataset.range(5)


def test_a_pure_function_has_no_traits():
    found = of(NUMBERS.map(pure))
    assert not any(
        [found.is_stateful, found.is_python, found.is_generator, found.opens_datasets]
    )
    assert found.operations["AddV2"] == 1, "also in what it calls"


def test_random_numbers_without_a_seed_are_a_state():
    found = of(NUMBERS.map(in_function))
    assert (found.is_stateful, found.is_random) == (True, True)
    stateless = NUMBERS.map(lambda each: tf.random.stateless_uniform([], (each, each)))
    found = of(stateless)
    assert (found.is_stateful, found.is_random) == (False, False)


def test_what_also_has_another_state_is_not_only_random():
    counts = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)

    def counted(value):
        counts.insert(value, value)
        return in_function(value)

    found = of(NUMBERS.map(counted))
    assert (found.is_stateful, found.is_random) == (True, False)


def test_generators_of_random_numbers_are_random():
    generator = tf.random.Generator.from_seed(1)
    found = of(NUMBERS.map(lambda each: generator.uniform([])))
    assert (found.is_stateful, found.is_random) == (True, True)


def test_assertions_are_none():
    def checked(value):
        tf.debugging.assert_less(value, tf.constant(10, tf.int64))
        return value

    assert not of(NUMBERS.map(checked)).is_stateful


def test_looking_up_is_no_state_but_inserting_is():
    words = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.range(5, dtype=tf.int64), tf.range(5)), -1
    )
    assert not of(NUMBERS.map(words.lookup)).is_stateful
    counts = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)

    def counted(value):
        counts.insert(value, value)
        return counts.lookup(value)

    assert of(NUMBERS.map(counted)).is_stateful


def test_python_code_is_known():
    assert of(NUMBERS.map(python)).is_python
    generated = tf.data.Dataset.from_generator(
        numbers, output_signature=tf.TensorSpec([], tf.int64)
    )
    assert of(generated).is_generator


def test_readers_open_datasets():
    files = tf.data.Dataset.from_tensor_slices(["a", "b"])
    assert of(files.interleave(tf.data.TFRecordDataset, cycle_length=2)).opens_datasets
    assert of(tf.data.TextLineDataset(["a", "b"])).opens_datasets
