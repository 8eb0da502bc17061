"""How well the doctor does on pipelines whose faults are known.

Examples:
  python -m tests.benchmarks.doctor.collection --json=collection.json
      all of them, about an hour on two cores with nothing else running
  python -m tests.benchmarks.doctor.collection --names=heavy_filter,flat_map_of_gzip
      some of them

For each: whether the culprit is named, whether the first prescription is the cure, what
prescriptions were expected to gain and gained, and the rate of the tuned pipeline over that
of the best one that was configured by hand: the best of all is found first, and then both
take turns, since the best of several short runs is always one that was lucky.

Exit status: 0 done, 1 failed, also if one pipeline did, 2 wrong usage.
"""

from __future__ import annotations

import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import doctor_scores, measured_run
from benchmarks.fingerprint import fingerprint
from benchmarks.measure import ratio_of_rounds
from dotmotion_tfds import quiet_start
from dotmotion_tfds.command_line import Flags, UsageError, run

_ROUNDS = 2
_SECONDS = 0.4
_FINAL_ROUNDS, _FINAL_SECONDS = 24, 0.15
_SETTLE_SECONDS, _SETTLINGS = 1.5, 3
# AUTOTUNE's rounds begin with 10 ms, and each is twice as long as the one before.
_TRIAL_SECONDS = 6.0


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.string("names", None, "which pipelines, separated by commas; all by default")
    flags.number("seconds", 30.0, "how long each is examined")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_work)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    if not 5 <= given["seconds"] <= 3600:
        raise UsageError(f"--seconds={given['seconds']:g}: expected 5 to 3600")
    names = None if given["names"] is None else given["names"].split(",")
    path = measured_run.place_of_result(given["json"])
    return {**given, "names": names, "json": path}


def _work(options: dict[str, Any]) -> int:
    quiet_start.import_tensorflow()
    from tests.benchmarks.doctor import misconfigured

    chosen = [
        case
        for case in (*misconfigured.CASES, *misconfigured.FINE)
        if options["names"] is None or case.name in options["names"]
    ]
    failed: dict[str, str] = {}

    def measured(folder: pathlib.Path, advance: Callable[[str], Any]) -> dict[str, Any]:
        result = measure(chosen, seconds=options["seconds"], folder=folder, advance=advance)
        failed.update(result["failed"])
        return result

    status = measured_run.run(
        measured,
        turns=len(chosen),
        show=_show,
        json=options["json"],
        unit="pipelines",
    )
    return 1 if failed else status


def measure(
    cases: Sequence[Any],
    *,
    seconds: float,
    folder: pathlib.Path,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Examines and tunes pipelines.

    Args:
      cases: of `misconfigured`.
      seconds: for each examination.
      folder: an empty directory.
      advance: called with the name of each that is done.

    Returns:
      The result. What has failed stands under "failed", so that an hour's work is not lost
      with it.
    """
    found, failed = {}, {}
    for case in cases:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            try:
                found[case.name] = _measure(case, seconds, pathlib.Path(place))
            except Exception as error:
                failed[case.name] = repr(error).splitlines()[0]
        advance(case.name)
    return {
        "benchmark": "doctor",
        "fingerprint": fingerprint(),
        "pipelines": found,
        "failed": failed,
    }


def _measure(case: Any, seconds: float, folder: pathlib.Path) -> dict[str, Any]:
    from benchmarks import doctor
    from benchmarks.doctor import timing

    make_dataset = case.make(folder)
    diagnosis = doctor.examine(make_dataset, seconds=seconds)
    kinds = [each.kind for each in diagnosis.prescriptions]
    changes: list[str] = []
    tuned = doctor.tune(make_dataset(), report=changes.append)
    arms = {"as it is": make_dataset(), "tuned": tuned}
    for number, variant in enumerate(case.oracle(folder)):
        arms[f"by hand {number}"] = variant()
    rates = _rates(arms)
    best = max((name for name in arms if name != "tuned"), key=lambda name: rates[name])
    settled_s = _settled_s(tuned)
    ratios = _ratios(tuned, arms[best], folder)
    trial = timing.measure(_by_trial(tuned), _TRIAL_SECONDS, watches_autotune=True)
    return {
        "bottleneck": diagnosis.bottleneck,
        "culprit": sorted(case.culprit),
        "is_named": not case.culprit or diagnosis.bottleneck in case.culprit,
        "prescribed": kinds,
        "cures": sorted(case.kinds),
        "is_cured": bool(set(kinds) & case.kinds) if case.kinds else not kinds,
        "gains": [
            {
                "kind": each.kind,
                "predicted": each.predicted_gain,
                "measured": each.measured_gain,
            }
            for each in diagnosis.prescriptions
            if each.measured_gain is not None
        ],
        "tuned_changes": changes,
        "elements_per_s": rates,
        "tuned_vs_now": rates["tuned"] / rates["as it is"],
        "best": best,
        "tuned_vs_best": ratio_of_rounds(ratios),
        "tuned_vs_best_rounds": ratios,
        "settled_s": settled_s,
        "autotune_converged_s": None
        if trial.converged_s is None
        else trial.converged_s - trial.first_s,
        "is_tunable": case.is_tunable,
        "examined_s": diagnosis.examined_s,
        "problems": list(diagnosis.problems),
    }


def _rates(arms: Mapping[str, Any]) -> dict[str, float]:
    from benchmarks.doctor import timing

    rates: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(_ROUNDS):
        for name in list(arms) if number % 2 == 0 else list(arms)[::-1]:
            timed = timing.measure(arms[name], _SECONDS, warmup_s=_SECONDS)
            rates[name].append(1 / timed.element_s)
    return {name: statistics.median(of_arm) for name, of_arm in rates.items()}


def _settled_s(tuned: Any) -> float:
    """How long a pipeline takes from its first element to its rate, with empty caches."""
    from benchmarks.doctor import building, graphs, timing

    found = []
    for _ in range(_SETTLINGS):
        source = timing.Elements(building.build(graphs.read(tuned)))
        source.next()
        arrivals = _arrivals(source, time.perf_counter(), _SETTLE_SECONDS)
        found.append(doctor_scores.settled_s(arrivals))
    return statistics.median(found)


def _ratios(tuned: Any, best: Any, folder: pathlib.Path) -> list[float]:
    """Rates of the tuned pipeline over those of another one, by round."""
    from benchmarks.doctor import graphs, turns

    sources = [
        turns.start(graphs.read(each), folder=str(folder), warmup_s=_SETTLE_SECONDS)
        for each in (tuned, best)
    ]
    found = []
    for number in range(_FINAL_ROUNDS):
        tuned_s, best_s = turns.pair(
            *sources, seconds=_FINAL_SECONDS, is_turned=number % 2 == 1
        )
        found.append(best_s / tuned_s)
    return found


def _by_trial(tuned: Any) -> Any:
    """The tuned dataset with numbers of parallel calls that AUTOTUNE has to find."""
    import tensorflow as tf

    from benchmarks.doctor import building, graph_edits, graphs

    pipeline = graph_edits.edited(graphs.read(tuned))
    for node in pipeline.nodes:
        if graph_edits.has_argument(pipeline, node.tag, "num_parallel_calls"):
            graph_edits.set_argument(
                pipeline, node.tag, "num_parallel_calls", tf.data.AUTOTUNE
            )
    return building.build(pipeline)


def _arrivals(source: Any, begin: float, seconds: float) -> list[float]:
    """When the next elements came, in seconds after one came at some moment."""
    found = [0.0]
    while found[-1] < seconds or len(found) < 3:
        source.next()
        found.append(time.perf_counter() - begin)
    return found


def _show(result: Mapping[str, Any]) -> None:
    measured_run.print_table(
        doctor_scores.table(result),
        texts=4,
        notes=[
            *doctor_scores.summary(result),
            *(f"failed: {name}: {error}" for name, error in result["failed"].items()),
        ],
        width=140,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv))
