from benchmarks import doctor_scores


def pipeline(**changed):
    plain = {
        "bottleneck": "decode",
        "culprit": ["decode"],
        "is_named": True,
        "prescribed": ["parallel map"],
        "cures": ["parallel map"],
        "is_cured": True,
        "gains": [{"kind": "parallel map", "predicted": 1.8, "measured": 2.0}],
        "tuned_vs_now": 2.0,
        "tuned_vs_best": 0.97,
        "settled_s": 0.05,
        "autotune_converged_s": 0.8,
        "is_tunable": True,
    }
    return {**plain, **changed}


RESULT = {
    "benchmark": "doctor",
    "pipelines": {
        "one": pipeline(),
        "other": pipeline(
            is_named=False, bottleneck="batch", tuned_vs_best=0.5, settled_s=0.3
        ),
        "together": pipeline(
            gains=[{"kind": "parallel map", "predicted": None, "measured": 1.4}]
        ),
        "far": pipeline(gains=[{"kind": "cache", "predicted": 4.0, "measured": 2.0}]),
        "fine": pipeline(culprit=[], prescribed=[], cures=[], gains=[], is_tunable=False),
        "not fine": pipeline(
            culprit=[], cures=[], gains=[], is_cured=False, is_tunable=False
        ),
    },
}


def test_the_summary_counts():
    assert doctor_scores.summary(RESULT) == [
        "culprit named: 3 of 4",
        "cure prescribed: 4 of 4",
        "fine, and nothing prescribed: 1 of 2",
        "gain within 25 % of the expected one: 2 of 3",
        "tuned at 0.95 of the best by hand: 3 of 4",
        "tuned at its rate in 20 ms or a tenth of AUTOTUNE's time: 3 of 4",
    ]
    assert doctor_scores.parts(RESULT)["summary"][1] == ["culprit named", "3 of 4"]


def test_what_is_wrong_is_marked():
    lines = {name: cells for name, *cells in doctor_scores.table(RESULT)}
    assert lines["one"] == ["decode", "parallel map", "1.80x, 2.00x", "2.00x", "0.97"]
    assert lines["together"][2] == "-, 1.40x"
    assert lines["other"][0] == "batch (wrong)"
    assert lines["fine"][1] == "-"
    assert lines["not fine"][1] == "parallel map (wrong)"


def test_a_rate_is_settled_when_it_is_what_it_stays():
    at_once = [number / 100 for number in range(201)]
    assert doctor_scores.settled_s(at_once) == 0
    slow_at_first = [0.0, *(0.5 + number / 100 for number in range(200))]
    assert doctor_scores.settled_s(slow_at_first) == 0.5
    growing = [0.0]
    while growing[-1] < 2:
        growing.append(growing[-1] + (0.04 if growing[-1] < 1 else 0.01))
    assert 0.9 < doctor_scores.settled_s(growing) <= 1.01
    assert doctor_scores.settled_s([0.0, 1.0, 2.0]) == 0
