from benchmarks.doctor.lanes import Lanes, lanes
from tests.benchmarks.doctor.diagnoses import branching, stage


def test_a_chain_stays_in_one_lane():
    found = lanes([stage(number, "a") for number in range(3)])
    assert found == Lanes((0, 0, 0), 1, ((0, 1), (1, 2)), (2,))


def test_sources_have_lanes_of_their_own_until_they_are_joined():
    found = lanes(branching().stages)
    assert found.lane_of == (0, 0, 1, 1, 0, 1, 0, 0)
    assert found.count == 2
    assert found.ways == ((0, 1), (2, 3), (1, 4), (3, 4), (4, 6), (5, 6), (6, 7))
    assert found.ends == (7,)


def test_a_way_past_other_stages_keeps_its_lane():
    inputs = ((), (), (1,), (0, 2), ())
    found = lanes([stage(row, "a", inputs=of) for row, of in enumerate(inputs)])
    assert found.lane_of == (0, 1, 1, 0, 1)
    assert found.ends == (3, 4)


def test_a_stage_that_two_others_take_from_stays_until_the_second():
    inputs = ((), (0,), (0,), (1, 2))
    found = lanes([stage(row, "a", inputs=of) for row, of in enumerate(inputs)])
    assert found.lane_of == (0, 1, 0, 1)
    assert found.count == 2


def test_inputs_that_do_not_come_before_are_no_ways():
    given = [stage(3, "a", inputs=(7, 3)), stage(5, "b", inputs=(3, 99))]
    assert lanes(given) == Lanes((0, 0), 1, ((0, 1),), (1,))


def test_no_stages_have_a_lane_for_the_consumer():
    assert lanes([]) == Lanes((), 1, (), ())
