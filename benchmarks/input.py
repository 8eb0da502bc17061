"""Compares the ways to feed clips: clips/s, CPU time, page faults, part of memset.

Examples:
  python -m benchmarks.input --json=benchmarks/results/input.json
      all ways; half an hour on two cores
  python -m benchmarks.input --groups=generated --repeats=3
      clips made as they are asked for
  python -m benchmarks.input --groups=stored --clips=512 --seconds=0.3 --repeats=1
      a quick look at the ways to read a stored dataset

Each way lives in a process of its own, the stream in several, and all take turns. Every
batch's indices are checked, and the frames of some against clips that are made one by one.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import pathlib
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import (
    batch_turns,
    ceilings,
    measure,
    measured_run,
    per_core,
    stream_turns,
)
from benchmarks.arms import Arm, Work
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds import configs, quiet_start
from dotmotion_tfds.command_line import Flags, UsageError, run
from dotmotion_tfds.spec import MAX_BATCH_SIZE, require_integer

_GROUPS = ("generated", "cached", "stored")
_STREAM, _KNOWN = "stream", "known rate"
_CONTROL = "stream again"
# Longer than any machine takes to hand on a batch that is ready.
_KNOWN_BATCH_SECONDS = 0.05
# Those that divide the places of a round, at which memset has a turn.
_PROCESSES = (1, 2, 4)
_RAM_BUDGET_BYTES = 1 << 28


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.string("groups", ",".join(_GROUPS), "which ways, separated by commas")
    flags.integer("batch_size", 128, "clips in a batch")
    flags.integer("clips", 2048, "clips to store or cache, a multiple of the batch size")
    flags.integer("repeats", 7, "rounds that are counted, after one that is not")
    flags.number("seconds", 1.0, "how long a turn lasts; the stream has more, of a tenth")
    # Processes of the same stream differ by 2 % as long as they live (standard deviation of
    # 14; with huge pages it was 9 %). Of memset, one in five was a third slower.
    flags.integer("processes", 2, "of the stream and of memset, new ones in each round")
    flags.string("dir", None, "where to store clips; a temporary directory if not given")
    return flags


def measure_input(
    groups: Sequence[str],
    *,
    batch_size: int,
    num_clips: int,
    repeats: int,
    seconds: float,
    processes: int,
    folder: pathlib.Path,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures the pipelines of some groups.

    Args:
      groups: of `benchmarks.pipelines.GROUPS`.
      batch_size: clips in a batch.
      num_clips: clips to store or cache, a multiple of `batch_size`.
      repeats: rounds that are counted.
      seconds: how long a turn lasts; those of the stream last a tenth.
      processes: 1, 2 or 4 at a time of the stream, its control and memset, others in each
        round.
      folder: an empty directory to work in.
      advance: called with the arm's name after each turn.

    Returns:
      The result, ready for a JSON file.

    Raises:
      benchmarks.arms.MeasureError: if a pipeline fails, ends, or gives wrong clips.
    """
    clip_bytes = configs.CONFIGS["standard"].spec.clip_bytes
    result: dict[str, Any] = {
        "benchmark": "input",
        "fingerprint": fingerprint(),
        "settings": {"batch_size": batch_size, "clips": num_clips, "seconds": seconds},
        "clip_bytes": clip_bytes,
        "arms": {},
        "controls": {},
        "ceilings": {},
    }
    memset_arms = [
        dataclasses.replace(arm, processes=processes, is_renewed=True)
        for arm in ceilings.batch_memset_arms(batch_size * clip_bytes)
    ]
    memset_names = [arm.name for arm in memset_arms]
    memset = memset_names[-1]
    for group in groups:
        place = folder / group
        arms = _arms(group, batch_size, num_clips, seconds, processes, place)
        samples = measure.compare(
            arms + memset_arms,
            repeats=repeats,
            order=stream_turns.order(
                [arm.name for arm in arms], memset_names, (_STREAM, _CONTROL)
            ),
            at_once=os.cpu_count() or 1,
            advance=advance,
        )
        result["controls"][group] = measure.ratio(samples, _STREAM, _CONTROL)
        for arm in memset_arms:
            result["ceilings"].setdefault(arm.name, samples[arm.name].summary("bytes"))
        for name, description in _described(group).items():
            key = name if group == "generated" or name != _STREAM else f"stream, {group}"
            result["arms"][key] = {
                "group": group,
                "about": description,
                **summary(samples[name], samples[memset]),
            }
        if group == "generated":
            result["known_rate"] = _known_rate(samples[_KNOWN], batch_size)
            result["stream_of_memset"] = result["arms"][_STREAM]["fraction_of_memset"]
            result["stream_vs_loop_per_core"] = per_core.ratios(samples, _STREAM)
    return result


def summary(samples: measure.Samples, memset: measure.Samples) -> dict[str, Any]:
    """An arm's figures.

    Args:
      samples: of the arm, with the notes of `batch_turns`.
      memset: of the memset arm in the same rounds, in bytes.
    """
    delivered = samples.notes["delivered_bytes_per_clip"]
    fractions = [
        rate * delivered / bytes_per_s
        for rate, bytes_per_s in zip(samples.rates, memset.rates, strict=True)
    ]
    return {
        **samples.summary("clips"),
        **samples.notes,
        "fraction_of_memset": round(statistics.median(fractions), 4),
    }


def _arms(
    group: str,
    batch_size: int,
    num_clips: int,
    seconds: float,
    processes: int,
    folder: pathlib.Path,
) -> list[Arm]:
    def arm(name: str, pipeline: str, work: str) -> Arm:
        env = {} if pipeline == _KNOWN else dict(_pipelines().GROUPS[group][pipeline].env)
        is_short = name in (_STREAM, _CONTROL)
        turn_s = seconds * stream_turns.SHORT_PART if is_short else seconds
        settings = (batch_size, num_clips, turn_s, str(folder / name), env)
        arguments = (group, pipeline, *settings)
        count = processes if is_short else 1
        return Arm(name, prepare, arguments, work, count, is_renewed=is_short)

    arms = []
    for name, work in _works(group).items():
        arms.append(arm(name, name, work))
        if name == _STREAM:
            # Side by side: in the half minute of a round, rates change by some percent.
            arms.append(arm(_CONTROL, _STREAM, work))
    if group == "generated":
        arms.append(arm(_KNOWN, _KNOWN, _works(group)[_STREAM]))
    return arms


def _works(group: str) -> dict[str, str]:
    """For each pipeline of a group, which others do the same work."""
    pipelines = _pipelines()
    return {
        name: f"{pipeline.order}, {pipeline.is_float}"
        if pipeline.order == batch_turns.IN_ORDER
        else name
        for name, pipeline in pipelines.GROUPS[group].items()
    }


def _described(group: str) -> dict[str, str]:
    return {name: each.about for name, each in _pipelines().GROUPS[group].items()}


def _pipelines() -> Any:
    quiet_start.import_tensorflow()
    from benchmarks import pipelines

    return pipelines


def prepare(
    group: str,
    name: str,
    batch_size: int,
    num_clips: int,
    seconds: float,
    folder: str,
    env: Mapping[str, str],
) -> Callable[[], Work]:
    """A turn of one pipeline.

    Args:
      group: of the pipeline.
      name: of the pipeline, or 'known rate'.
      batch_size: clips in a batch.
      num_clips: clips to store or cache.
      seconds: how long a turn lasts.
      folder: a directory of its own, which may be missing.
      env: environment variables to set before TensorFlow is there.
    """
    os.environ.update(env)
    pipelines = _pipelines()
    import tensorflow as tf
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    place = batch_turns.Place(batch_size, num_clips, pathlib.Path(folder))
    if name == _KNOWN:
        expected = batch_turns.Expected(batch_size, pass_clips=num_clips)

        def make() -> Any:
            return pipelines.known_rate(place, batch_seconds=_KNOWN_BATCH_SECONDS)

    else:
        pipeline = pipelines.GROUPS[group][name]
        expected = pipeline.expected(place)

        def make() -> Any:
            with contextlib.redirect_stdout(io.StringIO()):
                made = pipeline.make(place)
            return _within_budget(made) if isinstance(made, tf.data.Dataset) else made

    return batch_turns.turn_of(make, expected, seconds=seconds)


def _within_budget(dataset: Any) -> Any:
    """The dataset, with buffers of 256 MiB at most where AUTOTUNE chooses.

    By default each of twenty pipelines would take up to half of the memory, and the time
    between two turns to fill it.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.ram_budget = _RAM_BUDGET_BYTES
    return dataset.with_options(options)


def _known_rate(samples: measure.Samples, batch_size: int) -> dict[str, float]:
    expected = batch_size / _KNOWN_BATCH_SECONDS
    found = samples.summary("clips")["clips_per_s"]
    return {
        "expected_clips_per_s": round(expected, 1),
        "clips_per_s": found,
        "ratio": round(found / expected, 4),
    }


_HEADINGS = (
    "pipeline",
    "what it does",
    "clips/s",
    "spread",
    "CPU us/clip",
    "faults/clip",
    "read bytes/clip",
    "of memset",
)


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each pipeline."""
    lines = [list(_HEADINGS)]
    for name, arm in result["arms"].items():
        lines.append(
            [
                name,
                arm["about"],
                f"{arm['clips_per_s']:,.0f}",
                f"{arm['spread']:.0%}",
                f"{arm['cpu_us_per_clip']:,.1f}",
                f"{arm['page_faults_per_clip']:,.1f}",
                f"{arm['read_bytes_per_clip']:,.0f}",
                f"{arm['fraction_of_memset']:.1%}",
            ]
        )
    return lines


def parts(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Further tables: clips a core makes, against the notebook's loop."""
    return per_core.parts(result)


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_measure)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    groups = given["groups"].split(",")
    for name in groups:
        if name not in _GROUPS:
            raise UsageError(f"--groups={given['groups']!r}: expected some of {_GROUPS}")
    batch_size = require_integer("batch_size", given["batch_size"], 1, MAX_BATCH_SIZE)
    clips = require_integer("clips", given["clips"], batch_size, 1_000_000)
    if clips % batch_size:
        raise UsageError(
            f"--clips={clips} is no multiple of --batch_size={batch_size}: use "
            f"--clips={clips // batch_size * batch_size}"
        )
    require_integer("repeats", given["repeats"], 1, 1000)
    measured_run.require_seconds(given["seconds"])
    if given["processes"] not in _PROCESSES:
        raise UsageError(f"--processes={given['processes']}: expected one of {_PROCESSES}")
    path = measured_run.place_of_result(given["json"])
    return {**given, "groups": groups, "json": path}


def _measure(options: dict[str, Any]) -> int:
    memset_names = [arm.name for arm in ceilings.batch_memset_arms(1)]
    turns = 0
    for group in options["groups"]:
        known = [_KNOWN] if group == "generated" else []
        names = [*_works(group), *known]
        turns += len(stream_turns.order(names, memset_names, (_STREAM, _CONTROL)))
    turns *= options["repeats"] + 1
    return measured_run.run(
        lambda folder, advance: measure_input(
            options["groups"],
            batch_size=options["batch_size"],
            num_clips=options["clips"],
            repeats=options["repeats"],
            seconds=options["seconds"],
            processes=options["processes"],
            folder=folder,
            advance=advance,
        ),
        turns=turns,
        show=_show,
        json=options["json"],
        directory=options["dir"],
    )


def _show(result: Mapping[str, Any]) -> None:
    notes = []
    if "known_rate" in result:
        notes = [
            f"the stream: {result['stream_of_memset']:.2f} of memset",
            *per_core.notes(result),
        ]
    title = "Ways to feed clips of standard"
    measured_run.print_table(table(result), title=title, texts=2, notes=notes, width=140)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
