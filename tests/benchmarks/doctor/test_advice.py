import time

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.doctor import advice, costs, graphs, isolation, rewrites

PIXELS = tf.data.Dataset.from_tensor_slices(np.zeros((8, 200, 300, 3), np.uint8)).repeat()


def floats(image):
    return tf.cast(image, tf.float32) / 255


def python(value):
    return tf.py_function(lambda each: sum(range(20_000)) + each, [value], tf.int64)


def running(state, value):
    """A running total of what does not depend on it."""
    noise = tf.random.stateless_uniform([20_000], (value, 1))
    total = state + tf.reduce_sum(tf.sort(noise))
    return total, total


def checked(state, value):
    tf.debugging.assert_non_negative(value)
    return running(state, value)


def walking(state, value):
    """All of it depends on what was before."""
    noise = tf.random.stateless_uniform([20_000], (state, value))
    state = tf.cast(1000 * tf.reduce_max(tf.sort(noise)), tf.int64)
    return state, state


def stepwise(number):
    return tf.map_fn(lambda step: step * number, tf.range(500, dtype=tf.int64))


def words(number):
    return tf.strings.to_hash_bucket_fast(
        tf.strings.split(tf.strings.as_string(number) + " a b"), 100
    )


def three_words(number):
    return tf.ensure_shape(words(number), [3])


def numbers():
    for number in range(1_000_000):
        yield sum(range(5_000)) + number


def jpegs():
    noise = np.random.default_rng(0).integers(0, 255, (4, 512, 512, 3), np.uint8)
    return [tf.io.encode_jpeg(each).numpy() for each in noise]


PICTURES = tf.data.Dataset.from_tensor_slices(jpegs()).repeat()


def patch(encoded):
    whole = tf.cast(tf.io.decode_jpeg(encoded, channels=3), tf.float32) / 255
    return tf.image.crop_to_bounding_box(whole, 100, 100, 128, 128)


def found_in(dataset):
    pipeline = graphs.read(dataset)
    isolated = isolation.measure(pipeline, 2.0)
    alone = isolated.alone
    nodes = tuple(pipeline.nodes)
    elements = costs.elements(nodes, alone, are_cached=True)
    view = rewrites.View(pipeline, nodes, alone, elements, cores=2)
    return advice.find(view, costs.in_pipeline(view), isolated.kept)


def kinds(dataset):
    return [each.rewrite.kind for each in found_in(dataset)]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: PIXELS.map(floats, num_parallel_calls=1), advice.BYTES),
        (lambda: tf.data.Dataset.range(1 << 40).map(python).batch(8), advice.PYTHON),
        (
            lambda: tf.data.Dataset.from_generator(
                numbers, output_signature=tf.TensorSpec([], tf.int64)
            ).batch(8),
            advice.GENERATOR,
        ),
        (
            lambda: (
                tf.data.Dataset.range(1 << 40)
                .window(8, shift=1, drop_remainder=True)
                .flat_map(lambda window: window.batch(8))
                .batch(32)
            ),
            advice.WINDOWS,
        ),
        (lambda: tf.data.Dataset.range(1 << 40).map(stepwise).batch(8), advice.LOOP),
        (lambda: tf.data.Dataset.range(1 << 40).scan(0.0, checked).batch(8), advice.SCAN),
        (
            lambda: tf.data.Dataset.range(1 << 40).map(words).padded_batch(8),
            advice.RAGGED,
        ),
        (
            lambda: tf.data.Dataset.range(1 << 40).map(words).ragged_batch(8),
            advice.RAGGED,
        ),
        (
            lambda: tf.data.Dataset.range(1 << 40).map(three_words).batch(8),
            advice.RAGGED,
        ),
        (lambda: PICTURES.map(patch, num_parallel_calls=1).batch(4), advice.CROP),
    ],
)
def test_what_only_the_author_can_change_is_told(make, kind):
    assert kinds(make()) == [kind]


def test_python_that_waits_could_wait_for_several_elements():
    def wait(value):
        time.sleep(0.02)
        return value

    def waiting(value):
        return tf.py_function(wait, [value], tf.int64)

    (told,) = found_in(tf.data.Dataset.range(1 << 40).map(waiting).batch(8))
    assert told.gain > 2
    assert "private_threadpool_size" in told.rewrite.edit
    (told,) = found_in(tf.data.Dataset.range(1 << 40).map(python).batch(8))
    assert told.gain is None


def test_a_scan_that_needs_its_state_for_everything_is_left():
    scanned = tf.data.Dataset.range(1 << 40).scan(tf.constant(0, tf.int64), walking)
    assert kinds(scanned.batch(8)) == []


def test_a_scan_that_the_program_can_split_is_not_left_to_the_author():
    assert kinds(tf.data.Dataset.range(1 << 40).scan(0.0, running).batch(8)) == []


def test_texts_of_which_each_gives_as_much_are_left():
    def lower(number):
        return tf.strings.lower(tf.strings.as_string(number))

    assert kinds(tf.data.Dataset.range(1 << 40).map(lower).batch(8)) == []


def test_floats_that_cost_little_are_left():
    def decode(number):
        noise = tf.random.stateless_uniform([64, 64, 3], (number, 1), 0, 255, tf.int32)
        spectrum = tf.abs(tf.signal.fft2d(tf.cast(noise, tf.complex64)))
        return floats(tf.cast(tf.sort(spectrum) % 255, tf.uint8))

    assert kinds(tf.data.Dataset.range(1 << 40).map(decode).batch(8)) == []
    assert kinds(tf.data.Dataset.range(1 << 40).batch(8)) == []
