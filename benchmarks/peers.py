"""Compares this project's pipelines with other libraries' loaders, on the same clips.

Examples:
  python -m benchmarks.peers --json=benchmarks/results/peers.json
      all that are installed; about fifteen minutes
  python -m benchmarks.peers --repeats=1 --seconds=0.3 --clips=512
      a quick look

Each loader lives in a process of its own, with the number of workers that was fastest in a
search of its own. All give the same clips in batches of the same size, and every batch's
indices are checked. The notebook's loop takes part, so that one run compares the stream
with it, with memset and with the best of the others. Libraries that are not installed are
listed as absent; install them with `pip install '.[peers]'`.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import pathlib
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks import (
    batch_turns,
    ceilings,
    input,
    measure,
    measured_run,
    peer_loaders,
    per_core,
    stream_turns,
)
from benchmarks.arms import Arm, MeasureError, Work, WrongWorkError
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds import configs
from dotmotion_tfds.command_line import Flags, UsageError, run
from dotmotion_tfds.spec import MAX_BATCH_SIZE, require_integer


class _Pipeline(NamedTuple):
    """A pipeline of `benchmarks.pipelines`.

    Attributes:
      group: that it belongs to there.
      name: in that group.
      about: what it does, in a few words.
    """

    group: str
    name: str
    about: str


_STREAM, _CONTROL = "dotmotion stream", "dotmotion stream again"
_OURS = {
    _STREAM: _Pipeline("generated", "stream", "on the fly"),
    **{
        f"dotmotion stored, {encoding}": _Pipeline(
            "stored", f"stored, {encoding}", "dotmotion_tfds.stored"
        )
        for encoding in ("raw", "zlib", "trajectories")
    },
}
# What the dataset was made with before there was any loader, so that one run compares the
# stream with all that it could be compared with.
_LOOPS = {
    name: _Pipeline("generated", name, about)
    for name, about in zip(
        per_core.LOOPS,
        ("from_generator, batch, prefetch", "NumPy on one core, no tf.data"),
        strict=True,
    )
}
_PIPELINES = {**_OURS, **_LOOPS}
# Of the stream, new ones in each round: they differ by 2 % as long as they live.
_PROCESSES = 2
# Turns of the search for the best number of workers.
_SEARCH_SECONDS = 0.5


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.integer("batch_size", 128, "clips in a batch")
    flags.integer("clips", 4096, "clips to store, a multiple of four times the batch size")
    flags.integer("repeats", 7, "rounds that are counted, after one that is not")
    flags.number("seconds", 1.0, "how long a turn lasts; the stream has more, of a tenth")
    flags.string("dir", None, "where to store clips; a temporary directory if not given")
    return flags


def measure_peers(
    *,
    batch_size: int,
    num_clips: int,
    repeats: int,
    seconds: float,
    folder: pathlib.Path,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures all loaders that are there, and pipelines of this project.

    Args:
      batch_size: clips in a batch.
      num_clips: clips to store, a multiple of `4 * batch_size`.
      repeats: rounds that are counted.
      seconds: how long a turn lasts; those of the stream last a tenth.
      folder: an empty directory to work in.
      advance: called with a name after each turn and each search.

    Returns:
      The result, ready for a JSON file.

    Raises:
      benchmarks.arms.WrongWorkError: if a loader gives wrong clips.
    """
    clip_bytes = configs.CONFIGS["standard"].spec.clip_bytes
    workers: dict[str, int] = {}
    searches: dict[str, dict[int, float]] = {}
    absent: dict[str, str] = {}
    for name, peer in peer_loaders.PEERS.items():
        missing = _missing(peer.package)
        if missing is None:
            try:
                searches[name] = _search(
                    name, batch_size, num_clips, min(seconds, _SEARCH_SECONDS), folder
                )
                workers[name] = max(searches[name], key=searches[name].__getitem__)
            except WrongWorkError:
                raise
            except MeasureError as error:
                missing = str(error)
        if missing is not None:
            absent[name] = missing
        advance(name)
    memset_arms = ceilings.batch_memset_arms(batch_size * clip_bytes)
    arms = [
        _arm(name, batch_size, num_clips, seconds, folder, count)
        for name, count in workers.items()
    ]
    arms += [
        _pipeline_arm(name, batch_size, num_clips, seconds, folder) for name in _PIPELINES
    ]
    arms.append(_pipeline_arm(_CONTROL, batch_size, num_clips, seconds, folder))
    samples = measure.compare(
        arms + memset_arms,
        repeats=repeats,
        order=_order([arm.name for arm in arms]),
        at_once=os.cpu_count() or 1,
        advance=advance,
    )
    memset = samples[memset_arms[-1].name]
    result: dict[str, Any] = {
        "benchmark": "peers",
        "fingerprint": fingerprint(),
        "settings": {"batch_size": batch_size, "clips": num_clips, "seconds": seconds},
        "clip_bytes": clip_bytes,
        "arms": {},
        "absent": absent,
        "control": measure.ratio(samples, _STREAM, _CONTROL),
        "stream_vs_loop_per_core": per_core.ratios(samples, _STREAM),
        "ceilings": {arm.name: samples[arm.name].summary("bytes") for arm in memset_arms},
    }
    for name, pipeline in _PIPELINES.items():
        result["arms"][name] = {
            "group": pipeline.group,
            "about": pipeline.about,
            **input.summary(samples[name], memset),
            "stream_is": measure.ratio(samples, _STREAM, name),
        }
    for name, count in workers.items():
        peer = peer_loaders.PEERS[name]
        result["arms"][name] = {
            "group": "stored" if peer.is_stored else "generated",
            "about": peer.about,
            "workers": count,
            "clips_per_s_by_workers": searches[name],
            **input.summary(samples[name], memset),
            "stream_is": measure.ratio(samples, _STREAM, name),
        }
    return result


def _missing(package: str) -> str | None:
    """Why a package can't be used, or None."""
    try:
        found = importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        found = False
    return None if found else "not installed: pip install '.[peers]'"


def _search(
    name: str, batch_size: int, num_clips: int, seconds: float, folder: pathlib.Path
) -> dict[int, float]:
    """Clips per second by the number of workers."""
    arms = {
        count: _arm(name, batch_size, num_clips, seconds, folder / "search", count)
        for count in peer_loaders.PEERS[name].workers
    }
    samples = {
        # One after the other: idle workers of one would slow the next.
        count: measure.compare([arm], repeats=2)[arm.name]
        for count, arm in arms.items()
    }
    return {
        count: round(statistics.median(of_count.rates), 1)
        for count, of_count in samples.items()
    }


def _arm(
    name: str,
    batch_size: int,
    num_clips: int,
    seconds: float,
    folder: pathlib.Path,
    workers: int,
) -> Arm:
    peer = peer_loaders.PEERS[name]
    place = (batch_size, num_clips, str(folder / f"{name} {workers}"))
    group = name if peer.order == batch_turns.ANY_ORDER else batch_turns.IN_ORDER
    return Arm(name, prepare, (name, *place, seconds, workers), group)


def _pipeline_arm(
    name: str, batch_size: int, num_clips: int, seconds: float, folder: pathlib.Path
) -> Arm:
    is_stream = name in (_STREAM, _CONTROL)
    pipeline = _PIPELINES[_STREAM if is_stream else name]
    turn_s = seconds * stream_turns.SHORT_PART if is_stream else seconds
    place: tuple[Any, ...] = (batch_size, num_clips, turn_s, str(folder / name), {})
    return Arm(
        name,
        input.prepare,
        (pipeline.group, pipeline.name, *place),
        batch_turns.IN_ORDER if is_stream else name,
        processes=_PROCESSES if is_stream else 1,
        is_renewed=is_stream,
    )


def _order(names: Sequence[str]) -> list[str]:
    memset_names = [arm.name for arm in ceilings.batch_memset_arms(1)]
    return stream_turns.order(names, memset_names, (_STREAM, _CONTROL))


def prepare(
    name: str,
    batch_size: int,
    num_clips: int,
    folder: str,
    seconds: float,
    workers: int,
) -> Callable[[], Work]:
    """A turn of one loader.

    Args:
      name: of the loader.
      batch_size: clips in a batch.
      num_clips: clips to store.
      folder: a directory of its own, which may be missing.
      seconds: how long a turn lasts.
      workers: threads or processes.
    """
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    peer = peer_loaders.PEERS[name]
    place = batch_turns.Place(batch_size, num_clips, pathlib.Path(folder))

    def make() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            return peer.make(place, workers)

    return batch_turns.turn_of(make, peer.expected(place), seconds=seconds)


_HEADINGS = (
    "loader",
    "what it does",
    "workers",
    "clips/s",
    "spread",
    "CPU us/clip",
    "of memset",
    "stream is",
)


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each loader, the fastest first."""
    lines = [list(_HEADINGS)]
    for name, arm in sorted(
        result["arms"].items(), key=lambda each: -each[1]["clips_per_s"]
    ):
        lines.append(
            [
                name,
                arm["about"],
                str(arm.get("workers", "")),
                f"{arm['clips_per_s']:,.0f}",
                f"{arm['spread']:.0%}",
                f"{arm['cpu_us_per_clip']:,.1f}",
                f"{arm['fraction_of_memset']:.1%}",
                "" if name == _STREAM else f"{arm['stream_is']['ratio']:,.1f}x",
            ]
        )
    lines += [
        [name, f"absent: {why}", *[""] * (len(_HEADINGS) - 2)]
        for name, why in result["absent"].items()
    ]
    return lines


def parts(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Further tables: what the stream is compared with, and clips a core makes."""
    return {**_claims(result), **per_core.parts(result)}


def _claims(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """The stream against memset, the best of the others, and the notebook's loop."""
    loops = result.get("stream_vs_loop_per_core")
    others = [name for name in result["arms"] if name in peer_loaders.PEERS]
    if loops is None or not others:
        return {}
    best = max(others, key=lambda name: result["arms"][name]["clips_per_s"])
    against = result["arms"][best]["stream_is"]["ratio"]
    of_memset = result["arms"][_STREAM]["fraction_of_memset"]
    lines = [["compared with", "dotmotion stream is"]]
    lines.append(["memset by as many threads", f"{of_memset:.2f}x"])
    lines.append([f"the fastest other library: {best}", f"{against:.1f}x"])
    lines += [[f"{name}, per core", f"{ratio:.1f}x"] for name, ratio in loops.items()]
    return {"in_one_run": lines}


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_measure)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    batch_size = require_integer("batch_size", given["batch_size"], 1, MAX_BATCH_SIZE)
    clips = require_integer("clips", given["clips"], 4 * batch_size, 1_000_000)
    if clips % (4 * batch_size):
        raise UsageError(
            f"--clips={clips} is no multiple of four times --batch_size={batch_size}: use "
            f"--clips={clips // (4 * batch_size) * 4 * batch_size}"
        )
    require_integer("repeats", given["repeats"], 1, 1000)
    measured_run.require_seconds(given["seconds"])
    return {**given, "json": measured_run.place_of_result(given["json"])}


def _measure(options: dict[str, Any]) -> int:
    # Some loaders leave shared memory to the process that tidies up after all of them.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
    peers = [
        name for name, peer in peer_loaders.PEERS.items() if _missing(peer.package) is None
    ]
    of_round = len(_order([*peers, *_PIPELINES, _CONTROL]))
    turns = len(peer_loaders.PEERS) + of_round * (options["repeats"] + 1)
    return measured_run.run(
        lambda folder, advance: measure_peers(
            batch_size=options["batch_size"],
            num_clips=options["clips"],
            repeats=options["repeats"],
            seconds=options["seconds"],
            folder=folder,
            advance=advance,
        ),
        turns=turns,
        show=_show,
        json=options["json"],
        directory=options["dir"],
    )


def _show(result: Mapping[str, Any]) -> None:
    notes = [
        f"compared with {what}, the stream is {times}"
        for _, *lines in _claims(result).values()
        for what, times in lines
    ]
    title = "The same clips by other libraries"
    measured_run.print_table(table(result), title=title, texts=2, notes=notes)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
