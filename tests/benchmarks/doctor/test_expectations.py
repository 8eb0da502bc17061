import dataclasses

import pytest
import tensorflow as tf

from benchmarks.doctor import catalogue, expectations
from tests.benchmarks.doctor.measured_views import double, measured

NUMBERS = tf.data.Dataset.range(100_000)


def is_rare(value):
    return value % 50_000 == 49_999


def expect(case, kind, *, may_measure=True, part_s=0.05):
    """The costs by name after the first rewrite of a kind, and before it."""
    view, now, isolated = case
    rewrite = next(each for each in catalogue.find(view) if each.kind == kind)
    found = expectations.after(
        view, now, isolated, rewrite, may_measure=may_measure, part_s=part_s
    )
    if found is None:
        return None, {}, {}
    names = {node.tag: node.name for node in view.nodes}
    before = {names[cost.tag]: cost for cost in now}
    return found, {names.get(cost.tag, cost.tag): cost for cost in found.costs}, before


@pytest.fixture(scope="module")
def of_small_maps():
    dataset = NUMBERS.map(double, name="first").map(double, name="second")
    return measured(dataset.batch(100, name="batch").repeat())


def test_a_vectorised_chain_is_run_as_a_whole(of_small_maps):
    found, after, before = expect(of_small_maps, "vectorise")
    assert found.is_measured
    assert (after["second"].wall_s, after["second"].cpu_s) == (0, 0)
    assert not after["first"].is_server
    # What comes behind it was run with it.
    assert (after["batch"].wall_s, after["batch"].is_server) == (0, False)
    last = found.costs[-1]
    assert last.is_server
    # The thread that gives the places of batches is part of what was run.
    assert 0 < after["RangeDataset"].wall_s <= last.own_s
    assert last.own_s < sum(before[name].wall_s for name in ("first", "second", "batch"))


def test_what_a_full_cache_has_kept_is_not_run_again():
    kept = NUMBERS.take(1000).map(double, name="kept").cache().batch(100).repeat()
    found, _, before = expect(measured(kept), "parallel map")
    assert before["kept"].wall_s == 0
    assert not found.is_measured, "its seconds never pass"


def test_without_time_nothing_is_told_of_other_work(of_small_maps):
    assert expect(of_small_maps, "vectorise", may_measure=False)[0] is None


def test_without_time_parallel_calls_are_told_from_the_costs(of_small_maps):
    found, after, before = expect(of_small_maps, "parallel map", may_measure=False)
    assert not found.is_measured
    assert after["first"].parallelism > 1
    assert after["first"].wall_s == before["first"].wall_s


def test_a_map_in_parallel_is_run_with_the_batch_behind_it(of_small_maps):
    view, now, isolated = of_small_maps
    (rewrite,) = (
        each
        for each in catalogue.find(view)
        if each.kind == "parallel map" and view.node(each.tags[0]).name == "second"
    )
    found = expectations.after(view, now, isolated, rewrite, may_measure=True, part_s=0.05)
    by_name = {view.node(cost.tag).name: cost for cost in found.costs}
    assert (by_name["second"].wall_s, by_name["second"].is_server) == (0, False)
    assert (by_name["batch"].wall_s, by_name["batch"].is_server) == (0, False)
    assert found.costs[-1].own_s > 0


def test_what_gives_nothing_of_the_kept_elements_is_not_run():
    dataset = NUMBERS.repeat().filter(is_rare, name="rare").batch(1, name="batch")
    case = measured(dataset)
    view = case[0]
    rare = next(node for node in view.nodes if node.name == "rare")
    assert rare.tag not in view.alone
    # It would run for ever.
    _, after, _ = expect(case, "parallel filter")
    assert after["rare"].own_s is None


def test_a_shard_that_comes_earlier_leaves_less_to_do():
    dataset = NUMBERS.map(double, name="map").shard(4, 1).repeat()
    _, after, before = expect(measured(dataset), "shard earlier")
    assert after["map"].wall_s == pytest.approx(before["map"].wall_s / 4)


def test_a_cache_leaves_nothing_to_do_before_it():
    few = tf.data.Dataset.range(512).map(double, name="map").batch(64, name="batch")
    _, after, before = expect(measured(few.repeat()), "cache")
    assert before["map"].wall_s > 0
    assert after["map"].wall_s == 0


def test_a_stage_that_was_not_measured_is_missed(of_small_maps):
    view, now, isolated = of_small_maps
    blind = dataclasses.replace(view, alone={})
    found = expectations.after(
        blind,
        now,
        isolated,
        # That of the maps alone: a range that is part of it gives its own elements.
        [each for each in catalogue.find(view) if each.kind == "vectorise"][-1],
        may_measure=True,
    )
    assert found is None
