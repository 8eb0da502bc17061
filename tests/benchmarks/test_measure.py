import math
import statistics

import pytest

from benchmarks.arms import Arm, MeasureError
from benchmarks.measure import Samples, compare, ratio
from tests.benchmarks import arms


def test_arms_take_turns_back_and_forth_each_in_a_process_of_its_own(tmp_path):
    path = tmp_path / "turns"
    named = [Arm(name, arms.recorder, (str(path), name)) for name in "ABC"]
    advanced = []
    samples = compare(named, repeats=3, warmups=2, advance=advanced.append)
    turns = [line.split() for line in path.read_text().splitlines()]
    assert [name for name, _ in turns] == list("ABCCBAABCCBAABC") == advanced
    assert len({process for _, process in turns}) == 3
    assert len({(name, process) for name, process in turns}) == 3
    assert {len(sample.seconds) for sample in samples.values()} == {3}
    assert samples["A"].seconds == (1.0, 1.0, 1.0), "a turn can measure itself"


def test_a_round_can_have_several_turns_of_an_arm(tmp_path):
    path = tmp_path / "turns"
    named = [Arm(name, arms.recorder, (str(path), name)) for name in "AB"]
    samples = compare(named, repeats=2, order="ABA")
    turns = [line.split()[0] for line in path.read_text().splitlines()]
    assert "".join(turns) == "ABAABAABA"
    assert {len(sample.seconds) for sample in samples.values()} == {2}
    (slower,) = compare([Arm("a", arms.slower_each_turn)], repeats=2, order="aa").values()
    assert slower.seconds == ((3 + 4) / 2, (5 + 6) / 2), "the first round warms up"
    assert slower.notes == {"turn": 4.5}


def test_an_arm_can_have_several_processes_that_take_its_turns(tmp_path):
    path = tmp_path / "turns"
    several = Arm("A", arms.recorder, (str(path), "A"), processes=2)
    alone = Arm("B", arms.recorder, (str(path), "B"))
    samples = compare([several, alone], repeats=1, order="AABAA")
    turns = [line.split() for line in path.read_text().splitlines()]
    of_several = [process for name, process in turns if name == "A"]
    first, second = of_several[:2]
    assert first != second
    assert of_several == [first, second] * 4
    assert len({process for name, process in turns if name == "B"}) == 1
    assert {len(sample.seconds) for sample in samples.values()} == {1}
    with pytest.raises(ValueError, match="3 turns of A in 2 processes"):
        compare([several], repeats=1, order="AAA")


def test_a_renewed_arm_has_other_processes_in_every_round(tmp_path):
    path = tmp_path / "turns"
    renewed = Arm("A", arms.recorder, (str(path), "A"), processes=2, is_renewed=True)
    alone = Arm("B", arms.recorder, (str(path), "B"))
    samples = compare([renewed, alone], repeats=2, order="AAB")
    turns = [line.split() for line in path.read_text().splitlines()]
    # The others warm up without it; new processes have turns before the round.
    assert "".join(name for name, _ in turns) == "B" + "AAAABAA" + "AAAAAAB"
    processes = [process for name, process in turns if name == "A"]
    assert len(set(processes)) == 2 * 2
    assert len(set(processes[:6])) == len(set(processes[6:])) == 2
    assert len({process for name, process in turns if name == "B"}) == 1
    assert {len(sample.seconds) for sample in samples.values()} == {2}
    assert len(samples["A"].turns[0]) == 2, "only turns of the round are counted"


def test_arms_of_one_home_take_turns_in_one_process(tmp_path):
    path = tmp_path / "turns"

    def arm(name, home, **lives):
        return Arm(name, arms.recorder, (str(path), name), home=home, **lives)

    renewed = [arm(name, "one", is_renewed=True) for name in "AB"]
    # A home is none of an arm's that has its name.
    samples = compare([*renewed, arm("one", ""), arm("C", "other")], repeats=2)
    assert {len(sample.seconds) for sample in samples.values()} == {2}
    turns = [line.split() for line in path.read_text().splitlines()]
    named = "".join(name.replace("one", "D") for name, _ in turns)
    assert named == "DC" + "ABAB" + "CDBA" + "ABAB" + "ABDC"
    homes = {name: [p for n, p in turns if n == name] for name in ("A", "B", "C", "one")}
    assert homes["A"] == homes["B"]
    assert len(set(homes["A"])) == 2
    assert len({*homes["A"], *homes["C"], *homes["one"]}) == 4


def test_renewed_arms_start_in_turn(tmp_path):
    path = tmp_path / "starts"
    renewed = [Arm(name, arms.starter, (str(path), name), is_renewed=True) for name in "AB"]
    compare(renewed, repeats=3)
    assert path.read_text() == "BA" + "AB" + "BA"


def test_a_renewed_arm_has_to_do_the_same_as_before(tmp_path):
    path = str(tmp_path / "lives")
    renewed = Arm("a", arms.other_in_the_next_life, (path,), is_renewed=True)
    with pytest.raises(MeasureError, match="a did other work than a: 2 items"):
        compare([renewed], repeats=2)


def test_rates_and_ratios_are_those_of_the_work():
    slow_and_fast = [
        Arm("slow", arms.sleeper, (0.08,), "sleep"),
        Arm("fast", arms.sleeper, (0.02,), "sleep"),
        Arm("control", arms.sleeper, (0.02,), "sleep"),
    ]
    samples = compare(slow_and_fast, repeats=5)
    assert samples["slow"].summary("naps")["naps_per_s"] == pytest.approx(125, rel=0.1)
    assert ratio(samples, "fast", "slow")["ratio"] == pytest.approx(4, rel=0.2)
    assert ratio(samples, "fast", "control")["ratio"] == pytest.approx(1, rel=0.2)


def test_a_summary_has_median_extremes_spread_and_drift():
    samples = Samples(count=12, checksum=0, seconds=(1.0, 2.0, 3.0, 4.0))
    assert samples.rates == (12, 6, 4, 3)
    assert samples.summary("clips") == {
        "clips": 12,
        "clips_per_s": 5.0,
        "clips_per_s_min": 3.0,
        "clips_per_s_max": 12.0,
        "spread": 1.8,
        "drift": round(3.5 / 1.5, 3),
        "repeats": 4,
    }
    assert math.isnan(Samples(1, 0, (1.0, 1.0)).drift)
    assert Samples(1, 0, (1.0,)).summary("clips")["drift"] is None


def test_a_ratio_is_taken_round_by_round():
    samples = {"a": Samples(1, 0, (1.0, 10.0, 1.0)), "b": Samples(1, 0, (2.0, 20.0, 8.0))}
    assert ratio(samples, "a", "b") == {"ratio": 3.0, "ratio_min": 2.0, "ratio_max": 8.0}
    once = {"a": Samples(1, 0, (1.0,)), "b": Samples(1, 0, (2.0,))}
    assert ratio(once, "a", "b")["ratio"] == 2.0


def test_arms_with_many_turns_are_compared_turn_by_turn():
    # One turn of either was interrupted, and all others are 1.1 times as fast.
    left = ((1.0, 40.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0))
    right = ((1.1, 1.1, 1.1, 1.1), (1.1, 1.1, 30.0, 1.1))
    samples = {
        name: Samples(1, 0, tuple(map(statistics.fmean, turns)), turns=turns)
        for name, turns in (("a", left), ("b", right))
    }
    assert ratio(samples, "a", "b") == {
        "ratio": 1.1,
        "ratio_min": 1.1,
        "ratio_max": 1.1,
    }
    alone = {**samples, "b": Samples(1, 0, (1.1, 1.1), turns=((1.1,), (1.1,)))}
    assert ratio(alone, "a", "b")["ratio_min"] < 0.2, "the means are all there is"


def test_a_round_that_was_disturbed_hardly_counts():
    quiet, disturbed = (1.0,) * 8, (1.0, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5)
    left = Samples(1, 0, (1.0, 1.0, 1.0), turns=(quiet, quiet, quiet))
    right = Samples(1, 0, (1.0, 1.4, 1.0), turns=(quiet, disturbed, quiet))
    found = ratio({"a": left, "b": right}, "a", "b")
    assert found == {"ratio": 1.0, "ratio_min": 1.0, "ratio_max": 1.5}


@pytest.mark.parametrize("rounds", [2, 3, 9])
def test_a_ratio_is_free_of_places_in_a_round_and_of_a_steady_drift(rounds):
    first, second = [], []
    for number in range(rounds):
        # Whoever comes second takes a tenth more, and the machine slows down.
        times = (1.0 * 1.05 ** (2 * number), 1.1 * 1.05 ** (2 * number + 1))
        first.append(times[number % 2])
        second.append(times[1 - number % 2])
    samples = {"a": Samples(1, 0, tuple(first)), "b": Samples(1, 0, tuple(second))}
    assert ratio(samples, "a", "b")["ratio"] == 1.0


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (
            [
                Arm("a", arms.sleeper, (0.0, 10, 7), "same"),
                Arm("b", arms.sleeper, (0.0, 10, 8), "same"),
            ],
            "b did other work than a: 10 items with checksum 8, expected 10 with 7",
        ),
        (
            [
                Arm("a", arms.sleeper, (0.0, 10, 7), "same"),
                Arm("b", arms.sleeper, (0.0, 9, 7), "same"),
            ],
            "b did other work than a: 9 items",
        ),
        ([Arm("a", arms.sleeper, (0.0, 0))], "a did nothing: a turn had 0 items"),
        ([Arm("a", arms.failing_to_prepare)], "a failed: ValueError: no such thing"),
        ([Arm("a", arms.dying)], "a failed: its process ended"),
    ],
)
def test_what_means_nothing_is_an_error(group, message):
    with pytest.raises(MeasureError, match=message):
        compare(group, repeats=1)


def test_an_arm_has_to_do_the_same_in_every_turn(tmp_path):
    with pytest.raises(MeasureError, match="a did other work than a: 2 items"):
        compare([Arm("a", arms.growing, (str(tmp_path / "x"),))], repeats=2)


def test_groups_are_compared_apart():
    compare(
        [
            Arm("a", arms.sleeper, (0.0, 10, 7), "one"),
            Arm("b", arms.sleeper, (0.0, 20, 8), "other"),
        ],
        repeats=1,
    )


@pytest.mark.parametrize(
    "options",
    [
        {"repeats": 0},
        {"repeats": 1, "warmups": 0},
        {"repeats": 1, "order": "bb"},
        {"repeats": 1, "arms": []},
    ],
)
def test_rounds_and_arms_are_needed(options):
    chosen = {"arms": [Arm("a", arms.sleeper, (0.0,))], **options}
    with pytest.raises(ValueError, match="repeats"):
        compare(chosen.pop("arms"), **chosen)
