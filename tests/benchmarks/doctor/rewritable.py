"""Pipelines that can be rewritten, and a view of them without measuring anything."""

import tensorflow as tf

from benchmarks.doctor import costs, graphs, rewrites
from benchmarks.doctor.isolation import Alone

AUTO = tf.data.AUTOTUNE


def widen(value):
    return tf.fill([64], tf.cast(value, tf.float32))


def halve(value):
    return value / 2


def is_small(value):
    return tf.reduce_sum(value) % 3 < 2


def pair(value):
    return value, widen(value)


def is_wanted(number, wide):
    del wide
    return number % 4 == 0


def is_wide(number, wide):
    del number
    return tf.reduce_sum(wide) > 100


def opened(start):
    return tf.data.Dataset.range(start, start + 7)


def running(total, value):
    return total + value, total + value


def random(value):
    return tf.cast(value, tf.float32) + tf.random.uniform([])


def python(value):
    return tf.py_function(lambda each: each, [value], tf.int64)


def shared(values):
    """Rows that each depend on all rows of their batch."""
    values = tf.cast(values, tf.float32)
    return values[:, None] - tf.reduce_mean(values), tf.reverse(values, [0])


def numbers():
    return tf.data.Dataset.range(48)


WIDE = numbers().map(widen, name="widen")


def view_of(dataset, alone=None):
    pipeline = graphs.read(dataset)
    nodes = tuple(pipeline.nodes)
    plain = Alone(element_s=1e-3, cpu_s=1e-3, bytes=256, inputs_per_output=1.0)
    known = {node.tag: alone or plain for node in nodes}
    elements = costs.elements(nodes, known, are_cached=True)
    return rewrites.View(pipeline, nodes, known, elements, cores=2)


def kinds(module, dataset):
    return [each.kind for each in module.find(view_of(dataset))]
