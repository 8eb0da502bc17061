"""What a function makes of its arguments."""

import pytest
import tensorflow as tf

from benchmarks.doctor import definitions, graphs


def of_last(dataset):
    pipeline = graphs.read(dataset)
    return definitions.of(pipeline, pipeline.nodes[-1])


def of_map(function, *columns):
    columns = columns or (tf.range(4), tf.range(4))
    return of_last(tf.data.Dataset.from_tensor_slices(columns).map(function))


def operations(function, names):
    return {each.op for each in function.nodes if each.name in names} - {"Identity"}


def test_what_is_handed_on_is_the_argument_it_was():
    function = of_map(lambda x, y: (y, tf.identity(tf.identity(x)), x + 1))
    assert [function.argument(value) for value in function.returned] == [1, 0, None]
    handed_on = function.handed_on(function.returned[0])
    assert handed_on == function.arguments[1]
    assert function.producer(handed_on) is None


def test_what_is_captured_is_an_argument_behind_those_of_an_element():
    large = tf.range(40_000)
    function = of_map(lambda x, y: (large[:2], x))
    assert len(function.arguments) == 3
    assert function.argument(function.returned[0]) is None
    (given,) = {
        function.argument(name)
        for each in function.nodes
        for name in each.input
        if each.op == "StridedSlice"
    } - {None}
    assert given == 2


def test_a_number_is_known_through_identities():
    function = of_map(lambda x, y: (tf.identity(tf.constant(7)), tf.constant(2.5), x))
    assert [function.constant(value) for value in function.returned] == [7, 2.5, None]


def test_operations_are_followed_both_ways():
    def mapped(x, y):
        doubled = x * 2
        return tf.math.floormod(doubled, 3), y + 1

    function = of_map(mapped)
    left, _ = function.returned
    x, y = function.arguments
    assert operations(function, function.needed_for([left])) == {"Const", "FloorMod", "Mul"}
    assert {x, y} & function.needed_for([left]) == {x}
    assert operations(function, function.dependent_on([x])) == {"FloorMod", "Mul"}
    assert operations(function, function.dependent_on([y])) == {"AddV2"}
    assert function.needed_for([]) == function.dependent_on([]) == set()


@pytest.mark.parametrize("checks", [True, False])
def test_what_is_checked_besides_is_a_side_effect(checks):
    def mapped(x, y):
        if checks:
            tf.debugging.assert_positive(x)
        return x, y

    function = of_map(mapped)
    assert function.has_side_effects is checks
    for each in function.nodes:
        assert all(not name.startswith("^") for name in function.givers(each))


def test_what_comes_before_a_value_is_needed_for_it():
    def mapped(x, y):
        with tf.control_dependencies([tf.debugging.assert_positive(x)]):
            return tf.identity(y)

    function = of_map(mapped)
    assert function.arguments[0] in function.needed_for(function.returned)


def test_a_dataset_without_a_function_has_no_definition():
    assert of_last(tf.data.Dataset.range(3).batch(2)) is None
