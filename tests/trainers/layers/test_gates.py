import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers import processor
from trainers.layers import gates

ACTIVATIONS = [
    keras.activations.relu,
    keras.activations.tanh,
    keras.activations.sigmoid,
    keras.activations.hard_sigmoid,
    keras.activations.linear,
    tf.math.sin,
]


def by_the_formulas(sums, bias, carry, activation, gate_activation):
    enters, forgets, candidate, leaves = tf.split(sums + bias, 4, axis=-1)
    carry = gate_activation(forgets) * carry + gate_activation(enters) * activation(
        candidate
    )
    return gate_activation(leaves) * activation(carry), carry


def outcomes(function, inputs, *chosen):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        hidden, carry = function(*inputs, *chosen)
        total = tf.reduce_sum(tf.sin(hidden)) + tf.reduce_sum(carry**2)
    return [hidden, carry, *tape.gradient(total, inputs)]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(1, 5),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(ACTIVATIONS),
)
@settings(max_examples=25, deadline=None)
def test_a_step_and_its_gradients_follow_the_formulas(shape, filters, activation, gate):
    random = np.random.default_rng(0)
    inputs = [
        tf.constant(random.normal(size=size))
        for size in ((*shape, 4 * filters), (4 * filters,), (*shape, filters))
    ]
    found = outcomes(gates.advance, inputs, activation, gate)
    expected = outcomes(by_the_formulas, inputs, activation, gate)
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("gpu", "compiled"), [(False, True), (True, False)])
def test_compiled_on_a_cpu_only(gpu, compiled, monkeypatch):
    monkeypatch.setattr(processor, "has_gpu", lambda: gpu)

    @tf.function
    def step(sums, bias, carry):
        relu, sigmoid = keras.activations.relu, keras.activations.sigmoid
        return gates.advance(sums, bias, carry, relu, sigmoid)

    graph = step.get_concrete_function(tf.zeros((2, 8)), tf.zeros(8), tf.zeros((2, 2)))
    calls = [node.type for node in graph.graph.get_operations()]
    assert any("PartitionedCall" in call for call in calls) == compiled
