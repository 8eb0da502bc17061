import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.doctor import queueing
from benchmarks.doctor.queueing import Cost

SECONDS = st.floats(0, 10)


def chain(*costs):
    """Stages in a row; each is (wall, cpu, parallelism or None)."""
    found = []
    for number, (wall, cpu, parallelism) in enumerate(costs):
        inputs = (str(number - 1),) if number else ()
        is_server = parallelism is not None
        found.append(
            Cost(str(number), inputs, wall, cpu, parallelism or 0.0, is_server=is_server)
        )
    return found


def test_stages_of_one_thread_add_up():
    (slowest, *_) = queueing.limits(chain((1, 0, None), (2, 0, None)), cores=4)
    assert (slowest.about, slowest.seconds) == ("thread", 3)
    assert slowest.loads == {"0": 1, "1": 2}


def test_a_parallel_stage_ends_a_thread():
    costs = chain((1, 0, None), (8, 0, 4), (1.5, 0, None))
    assert [(each.about, each.seconds) for each in queueing.limits(costs, cores=8)] == [
        ("stage", 2),
        ("thread", 1.5),
        ("thread", 1),
        ("processors", 0),
    ]


def test_processors_are_a_limit_of_their_own():
    costs = chain((1, 1, 2), (2, 2, 2), (0.5, 0.5, None))
    assert queueing.predict(costs, cores=2) == 1.75
    shares = queueing.shares(costs, cores=2)
    assert shares == {"0": 1 / 3.5, "1": 2 / 3.5, "2": 0.5 / 3.5}


def test_only_waiting_overlaps_under_a_lock():
    (cost,) = chain((4.0, 1.0, 3))
    free = cost.server_s(cores=2)
    assert free == 1 / 2 + 3 / 3
    locked = Cost("0", (), 4.0, 1.0, 3, has_lock=True, is_server=True)
    assert locked.server_s(cores=2) == 1 + 3 / 3


def test_branches_meet_in_the_thread_that_takes_of_both():
    costs = [Cost("a", (), 1, 0), Cost("b", (), 2, 0), Cost("zip", ("a", "b"), 0.5, 0)]
    assert queueing.predict(costs, cores=1) == 3.5
    ahead = [costs[0], Cost("b", (), 2, 0, 1, is_server=True), costs[2]]
    assert queueing.predict(ahead, cores=1) == 2


@given(st.lists(st.tuples(SECONDS, SECONDS, st.none() | st.floats(1, 8)), min_size=1))
def test_no_pipeline_is_faster_than_its_work_or_slower_than_one_thread(stages):
    costs = chain(*stages)
    seconds = queueing.predict(costs, cores=2)
    work = sum(cpu for _, cpu, _ in stages)
    assert seconds >= work / 2 * (1 - 1e-9)
    most = max(sum(wall for wall, _, _ in stages), work / 2, queueing.HANDOVER_SECONDS)
    assert seconds <= most * (1 + 1e-9)
    assert sum(queueing.shares(costs, 2).values()) == pytest.approx(1) or not any(
        wall or cpu for wall, cpu, _ in stages
    )


@given(st.lists(st.tuples(SECONDS, SECONDS, st.none() | st.floats(1, 8)), min_size=1))
def test_more_processors_never_make_it_slower(stages):
    costs = chain(*stages)
    assert queueing.predict(costs, 4) <= queueing.predict(costs, 2) * (1 + 1e-9)
