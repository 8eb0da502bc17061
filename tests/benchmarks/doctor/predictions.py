"""Whether predictions for another number of processors come true.

Examples:
  python -m tests.benchmarks.doctor.predictions --json=predictions.json
      some pipelines on all processors of this machine and on one, two minutes

Each pipeline is measured in a process that may use all processors, its rate on one of them
is predicted, and then measured in a process that may use no more.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

from benchmarks import measured_run
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds import quiet_start
from dotmotion_tfds.command_line import Flags, run

_NAMES = (
    "augmentation_in_one_call",
    "heavy_filter",
    "flat_map_of_gzip",
    "tiny_maps_before_batch",
    "no_prefetch_between",
    "waits_beside_work",
    "parallel_decoding",
    "batches_of_clips",
)


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    return flags


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_work)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    return {"json": measured_run.place_of_result(given["json"])}


def _work(options: dict[str, Any]) -> int:
    return measured_run.run(
        lambda folder, advance: measure(folder, advance),
        turns=len(_NAMES),
        show=lambda result: measured_run.print_table(table(result)),
        json=options["json"],
        unit="pipelines",
    )


def measure(folder: pathlib.Path, advance: Callable[[str], Any]) -> dict[str, Any]:
    """Predicts and measures.

    Args:
      folder: an empty directory.
      advance: called with the name of each pipeline that is done.
    """
    found = {}
    for name in _NAMES:
        place = folder / name
        place.mkdir()
        predicted, now = _in_process(None, _predict, name, str(place))
        measured = _in_process(1, _measure, name, str(place))
        found[name] = {
            "elements_per_s": now,
            "predicted_on_one": predicted,
            "measured_on_one": measured,
            "ratio": predicted / measured,
        }
        advance(name)
    return {"benchmark": "predictions", "fingerprint": fingerprint(), "pipelines": found}


def _in_process(count: int | None, function: Callable[..., Any], *arguments: Any) -> Any:
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(
        1, mp_context=context, initializer=_bind, initargs=(count,)
    ) as process:
        return process.submit(function, *arguments).result()


def _bind(count: int | None) -> None:
    if count is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    quiet_start.import_tensorflow()


def _make(name: str, folder: str) -> Any:
    from tests.benchmarks.doctor import misconfigured

    (case,) = (
        case for case in (*misconfigured.CASES, *misconfigured.FINE) if case.name == name
    )
    return case.make(pathlib.Path(folder))()


def _predict(name: str, folder: str) -> tuple[float, float]:
    """Rates on one processor, by prediction, and on all, measured."""
    from benchmarks.doctor import (
        building,
        costs,
        graphs,
        isolation,
        rewrites,
        timing,
        what_if,
    )

    pipeline = graphs.read(_make(name, folder))
    whole = timing.measure(building.build(pipeline), 2.0, watches_autotune=True)
    nodes = tuple(pipeline.nodes)
    alone = isolation.measure(pipeline, 5.0).alone
    alone = costs.with_ratios(nodes, alone, whole.model)
    elements = costs.elements(nodes, alone, are_cached=whole.passes > 0)
    view = rewrites.View(pipeline, nodes, alone, elements, timing.cores())
    now = costs.scaled_to(costs.in_pipeline(view, whole.model), whole.cpu_s)
    on_one_s = what_if.seconds_on(1, now, cores=view.cores, measured_s=whole.element_s)
    return 1 / on_one_s, 1 / whole.element_s


def _measure(name: str, folder: str) -> float:
    from benchmarks.doctor import timing

    return 1 / timing.measure(_make(name, folder), 2.0).element_s


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each pipeline."""
    lines = [["pipeline", "on all", "predicted on one", "measured on one", "ratio"]]
    for name, each in result["pipelines"].items():
        lines.append(
            [
                name,
                f"{each['elements_per_s']:,.1f}/s",
                f"{each['predicted_on_one']:,.1f}/s",
                f"{each['measured_on_one']:,.1f}/s",
                f"{each['ratio']:.2f}",
            ]
        )
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv))
