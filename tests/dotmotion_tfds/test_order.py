import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmotion_tfds import SpecError
from dotmotion_tfds.order import Order


def make_order(**options):
    defaults = {
        "batch_size": 4,
        "shard": (0, 1),
        "split_size": 10,
        "epochs": None,
        "key": 1,
    }
    return Order(**{**defaults, **options})


def batches(order, start_step=0, count=None):
    steps = order.steps(start_step)
    steps = steps if count is None else steps.take(count)
    return [indices.numpy() for indices in steps.map(order.indices)]


orders = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 9).map(lambda rows: 6 * rows),
        "split_size": st.integers(1, 60),
        "epochs": st.integers(1, 3),
        "key": st.integers(0, 2**64 - 1),
    }
)


@given(orders)
@settings(max_examples=12, deadline=None)
def test_every_pass_holds_every_clip_once(options):
    order = make_order(**options)
    found = batches(order)
    assert len(found) == order.num_steps
    for epoch in range(options["epochs"]):
        first = epoch * order.steps_per_epoch
        one_pass = np.concatenate(found[first : first + order.steps_per_epoch])
        assert sorted(one_pass) == list(range(options["split_size"]))


@given(orders, st.sampled_from([1, 2, 3, 6]))
@settings(max_examples=12, deadline=None)
def test_shards_together_are_the_batch(options, count):
    whole = batches(make_order(**options))
    shards = [batches(make_order(**options, shard=(i, count))) for i in range(count)]
    for step, batch in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([s[step] for s in shards]), batch)
        rows = [len(shard[step]) for shard in shards]
        assert max(rows) - min(rows) <= 1


@given(orders, st.integers(0, 40))
@settings(max_examples=12, deadline=None)
def test_starting_later_continues_the_same_stream(options, start_step):
    order = make_order(**options)
    whole, rest = batches(order), batches(order, start_step)
    assert len(rest) == max(0, len(whole) - start_step)
    for expected, found in zip(whole[start_step:], rest, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_fresh_clips_are_numbered_by_step_and_row():
    order = make_order(batch_size=6)
    for step, indices in enumerate(batches(order, 5, 3), start=5):
        np.testing.assert_array_equal(indices, step * 6 + np.arange(6))
    second_of_three = make_order(batch_size=6, shard=(1, 3))
    np.testing.assert_array_equal(batches(second_of_three, 5, 1)[0], [32, 33])


def test_passes_and_keys_have_orders_of_their_own():
    first, second = batches(make_order(batch_size=50, split_size=50, epochs=2))
    (other,) = batches(make_order(batch_size=50, split_size=50, epochs=1, key=2))
    identity = np.arange(50)
    assert not any((order == identity).all() for order in (first, second, other))
    assert not (first == second).all()
    assert not (first == other).all()


def test_the_short_batch_comes_last_in_each_pass():
    lengths = [len(indices) for indices in batches(make_order(epochs=2))]
    assert lengths == [4, 4, 2, 4, 4, 2]
    assert make_order(epochs=2).static_rows is None
    assert make_order(epochs=2, split_size=12, shard=(0, 2)).static_rows == 2


def test_a_permutation_is_pinned():
    (found,) = batches(make_order(batch_size=10, epochs=1))
    assert found.tolist() == [2, 4, 3, 8, 9, 0, 6, 1, 5, 7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": -4}, "batch_size=-4"),
        ({"epochs": 0}, "epochs=0"),
        (
            {"shard": (2, 2)},
            "shard index=2 is out of range: expected an integer from 0 to 1",
        ),
        ({"shard": (0, 0)}, "shard count=0"),
        ({"shard": 3}, "shard=3 is malformed"),
        ({"shard": (0, 3)}, "batch_size=4 is not divisible by 3 shards"),
    ],
)
def test_values_out_of_range_are_named(options, message):
    with pytest.raises(SpecError, match=message):
        make_order(**options)
