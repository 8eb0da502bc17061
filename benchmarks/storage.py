"""Compares the ways to store clips: bytes a clip, and building, reading, verifying rates.

Examples:
  python -m benchmarks.storage --json=benchmarks/results/storage.json
      all encodings of config standard; about ten minutes
  python -m benchmarks.storage --clips=200 --repeats=1
      a quick look

Each encoding is built by `tfds build`'s builder and by one that makes a clip at a time
with the notebook's loop; writing records that are ready shows what no builder can avoid.
It is read with `tfds.load` (frames included, whatever is stored) and compared with its
indices as `python -m dotmotion_tfds.verify` does.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pathlib
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import ceilings, measure, measured_run
from benchmarks.arms import Arm, MeasureError, Work
from benchmarks.fingerprint import fingerprint
from dotmotion_tfds import configs, quiet_start
from dotmotion_tfds.command_line import Flags, run
from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.spec import SPLITS, require_integer

_BATCH_SIZE = 64
# Two builds in turn differ by a sixth: those of the control have many shorter turns, in one
# process, since two processes of one program differ as long as they live.
_BUILD, _CONTROL, _CONTROL_TIMES = "build zlib", "control", 8
_CONTROL_SECONDS, _HOME = 0.3, "control"
_SAMPLE_CLIPS = 64


def define_flags() -> Flags:
    """The flags of this program."""
    flags = Flags()
    flags.string("json", None, "file for the result")
    flags.integer("clips", 5000, "clips to store, over both splits")
    flags.integer("repeats", 5, "rounds that are counted, after one that is not")
    # Shorter ones vary more between rounds than arms that are worth comparing.
    flags.number("seconds", 1.0, "how long a turn lasts at least")
    flags.string("dir", None, "where to store them; a temporary directory if not given")
    return flags


def measure_storage(
    *,
    num_clips: int,
    repeats: int,
    seconds: float,
    folder: pathlib.Path,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures every encoding of clips that look like those of config `standard`.

    Args:
      num_clips: clips to store, over both splits, at least 5.
      repeats: rounds that are counted.
      seconds: how long a turn lasts at least; those of the control have their own time.
      folder: an empty directory to work in.
      advance: called with the arm's name after each turn.

    Returns:
      The result, ready for a JSON file: for each encoding `bytes_per_clip` and the
      summaries of its arms, the ratios of building to the loop builder and to writing
      ready records and of verifying to reading, the control (the same arm twice) and the
      memory ceilings.

    Raises:
      benchmarks.arms.MeasureError: if a turn fails or does other work than it should.
    """
    stored = {
        encoding: stored_config(encoding, num_clips) for encoding in configs.ENCODINGS
    }
    kept = str(folder / "kept")
    building, reading = [], []
    for encoding, config in stored.items():
        for kind in ("build", "loop"):
            name = f"{kind} {encoding}"
            target = str(folder / f"{kind}-{encoding}")
            building.append(_building(name, kind, config, target, seconds))
        building.append(
            Arm(
                f"write {encoding}",
                prepare_write,
                (config, str(folder / f"written-{encoding}"), seconds),
            )
        )
        reading += [
            Arm(f"read {encoding}", prepare_read, (config, kept), "read"),
            Arm(f"verify {encoding}", prepare_verify, (config, kept, seconds), "verify"),
        ]
    target = str(folder / "control")
    building.append(_building(_CONTROL, "build", stored["zlib"], target, seconds))
    samples: dict[str, measure.Samples] = {}
    for arms in (building, reading):
        samples |= measure.compare(
            arms,
            repeats=repeats,
            order=_order([arm.name for arm in arms]),
            at_once=os.cpu_count() or 1,
            advance=advance,
        )
    memory = measure.compare(ceilings.memory_arms(), repeats=repeats, advance=advance)
    clip_bytes = stored["zlib"].spec.clip_bytes
    memcpy_bytes_per_s = max(
        memory[name].summary("bytes")["bytes_per_s"]
        for name in memory
        if name.startswith("memcpy")
    )

    def of_encoding(encoding: str) -> dict[str, Any]:
        summaries = {
            kind: samples[f"{kind} {encoding}"].summary("clips")
            for kind in ("build", "loop", "write", "read", "verify")
        }
        read_bytes_per_s = summaries["read"]["clips_per_s"] * clip_bytes
        return {
            "bytes_per_clip": _bytes_per_clip(stored[encoding], kept),
            **summaries,
            "build_vs_loop": measure.ratio(
                samples, f"build {encoding}", f"loop {encoding}"
            ),
            "build_vs_write": measure.ratio(
                samples, f"build {encoding}", f"write {encoding}"
            ),
            "verify_vs_read": measure.ratio(
                samples, f"verify {encoding}", f"read {encoding}"
            ),
            "read_fraction_of_memcpy": round(read_bytes_per_s / memcpy_bytes_per_s, 4),
        }

    return {
        "benchmark": "storage",
        "clip_bytes": clip_bytes,
        "fingerprint": fingerprint(),
        "encodings": {encoding: of_encoding(encoding) for encoding in stored},
        "control": measure.ratio(samples, _BUILD, _CONTROL),
        "ceilings": {name: memory[name].summary("bytes") for name in memory},
    }


def _building(
    name: str, kind: str, config: NamedConfig, target: str, seconds: float
) -> Arm:
    is_pair = name in (_BUILD, _CONTROL)
    arguments = (kind, config, target, _CONTROL_SECONDS if is_pair else seconds)
    return Arm(name, prepare_build, arguments, "build", home=_HOME if is_pair else "")


def _order(names: Sequence[str]) -> list[str]:
    """The turns of a round, with those of the control there and back before the others."""
    if _CONTROL not in names:
        return list(names)
    others = [name for name in names if name not in (_BUILD, _CONTROL)]
    return [*[_BUILD, _CONTROL, _CONTROL, _BUILD] * _CONTROL_TIMES, *others]


def stored_config(encoding: str, num_clips: int) -> NamedConfig:
    """Clips of `standard` in one encoding, four fifths of them for training."""
    num_test_clips = num_clips // 5
    return NamedConfig(
        name=f"benchmark_{encoding}",
        spec=configs.CONFIGS["standard"].spec,
        description=f"Clips of standard, stored as {encoding}.",
        split_sizes={"train": num_clips - num_test_clips, "test": num_test_clips},
        encoding=encoding,
    )


def prepare_build(
    kind: str, config: NamedConfig, data_dir: str, least_seconds: float
) -> Callable[[], Work]:
    """A turn that builds the dataset afresh, as often as it takes to fill some time.

    Deleting it is not measured.

    Args:
      kind: 'build' or 'loop', by which builder.
      config: what to store.
      data_dir: where to.
      least_seconds: that time, more than 0.
    """
    quiet_start.import_tensorflow()
    import tensorflow_datasets as tfds

    from benchmarks.loop_builder import LoopBuilder
    from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder

    tfds.disable_progress_bar()

    def build() -> tuple[Any, float]:
        shutil.rmtree(data_dir, ignore_errors=True)
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            builder = (
                Builder(config=config, data_dir=data_dir)
                if kind == "build"
                else LoopBuilder(named=config, data_dir=data_dir)
            )
            builder.download_and_prepare()
        return builder, time.perf_counter() - start

    def turn() -> Work:
        times: list[float] = []
        while sum(times) < least_seconds:
            builder, seconds = build()
            times.append(seconds)
        labels = 0
        for split in SPLITS:
            dataset = builder.as_dataset(
                split=split, decoders=tfds.decode.PartialDecoding({"label": True})
            ).batch(_BATCH_SIZE)
            labels += sum(
                int(batch["label"].sum()) for batch in dataset.as_numpy_iterator()
            )
        count = sum(builder.info.splits[split].num_examples for split in SPLITS)
        shutil.rmtree(data_dir)
        # Classes are balanced, whichever clip has which.
        return Work(count=count, checksum=labels, seconds=statistics.mean(times))

    return turn


def prepare_write(
    config: NamedConfig, path: str, least_seconds: float
) -> Callable[[], Work]:
    """A turn that writes records which are ready, with the writer that builders use.

    The records are those of the first clips, over and over.
    """
    quiet_start.import_tensorflow()
    from tensorflow_datasets.core import file_adapters

    from dotmotion_tfds.files import records

    sample = list(records.clip_records(config, "train", 0, _SAMPLE_CLIPS))
    count = sum(config.split_sizes.values())
    num_bytes = sum(len(sample[number % len(sample)]) for number in range(count))
    target = pathlib.Path(path)

    def write() -> float:
        repeated = itertools.islice(itertools.cycle(sample), count)
        start = time.perf_counter()
        file_adapters.TfRecordFileAdapter.write_examples(target, enumerate(repeated))
        seconds = time.perf_counter() - start
        if target.stat().st_size <= num_bytes:
            raise MeasureError(f"{target.stat().st_size} bytes of {num_bytes}")
        target.unlink()
        return seconds

    def turn() -> Work:
        times: list[float] = []
        while sum(times) < least_seconds:
            times.append(write())
        return Work(count, num_bytes, statistics.mean(times))

    return turn


def prepare_read(config: NamedConfig, data_dir: str) -> Callable[[], Work]:
    """A turn that reads all clips with their frames, in batches."""
    builder = _built(config, data_dir)
    import tensorflow as tf

    import dotmotion_tfds

    def turn() -> Work:
        count = checksum = 0
        for split in SPLITS:
            dataset = builder.as_dataset(split=split).batch(_BATCH_SIZE)
            if config.encoding == "trajectories":
                dataset = dataset.map(lambda batch: dotmotion_tfds.render(batch, config))
            for batch in dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
                count += len(batch["index"])
                checksum += int(batch["index"].sum()) + int(batch["video"][0].sum())
        return Work(count=count, checksum=checksum)

    return turn


def prepare_verify(
    config: NamedConfig, data_dir: str, least_seconds: float
) -> Callable[[], Work]:
    """A turn that compares all clips with their indices, as often as fills some time."""
    builder = _built(config, data_dir)
    from dotmotion_tfds.files import verification

    def verify() -> int:
        found: list[int] = []
        for split in SPLITS:
            problem = verification.first_problem(builder.info, split, config, found.append)
            if problem is not None:
                raise MeasureError(str(problem))
        return sum(found)

    def turn() -> Work:
        times: list[float] = []
        while sum(times) < least_seconds:
            start = time.perf_counter()
            count = verify()
            times.append(time.perf_counter() - start)
        return Work(count=count, checksum=count, seconds=statistics.mean(times))

    return turn


def _built(config: NamedConfig, data_dir: str) -> Any:
    quiet_start.import_tensorflow()
    import tensorflow_datasets as tfds

    from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder

    tfds.disable_progress_bar()
    builder = Builder(config=config, data_dir=data_dir)
    with contextlib.redirect_stdout(io.StringIO()):
        builder.download_and_prepare()
    return builder


def _bytes_per_clip(config: NamedConfig, data_dir: str) -> float:
    """Bytes of the record files for each clip, framing included."""
    shards = pathlib.Path(data_dir).glob(f"*/{config.name}/*/*.tfrecord-*")
    num_clips = sum(config.split_sizes.values())
    return round(sum(path.stat().st_size for path in shards) / num_clips, 1)


def main(argv: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return run(argv, flags=define_flags(), about=__doc__, check=_check, work=_measure)


def _check(given: dict[str, Any]) -> dict[str, Any]:
    require_integer("clips", given["clips"], 5, 1_000_000)
    require_integer("repeats", given["repeats"], 1, 1000)
    measured_run.require_seconds(given["seconds"])
    return {**given, "json": measured_run.place_of_result(given["json"])}


def _measure(given: dict[str, Any]) -> int:
    of_round = len(configs.ENCODINGS) * 5 + 1 + len(ceilings.memory_arms())
    of_round += 4 * _CONTROL_TIMES - 2
    turns = of_round * (given["repeats"] + 1)
    return measured_run.run(
        lambda folder, advance: measure_storage(
            num_clips=given["clips"],
            repeats=given["repeats"],
            seconds=given["seconds"],
            folder=folder,
            advance=advance,
        ),
        turns=turns,
        show=_show,
        json=given["json"],
        directory=given["dir"],
    )


def _show(result: Mapping[str, Any]) -> None:
    title = "Clips of standard, by what is stored"
    measured_run.print_table(table(result), title=title)


_HEADINGS = (
    "bytes/clip",
    "build clips/s",
    "vs. loop",
    "of writing",
    "read clips/s",
    "verify clips/s",
    "vs. read",
)


def row(figures: Mapping[str, Any]) -> list[str]:
    """The cells of one encoding under `_HEADINGS`."""
    return [
        f"{figures['bytes_per_clip']:,.0f}",
        f"{figures['build']['clips_per_s']:,.0f}",
        f"{figures['build_vs_loop']['ratio']:.1f}x",
        f"{figures['build_vs_write']['ratio']:.0%}",
        f"{figures['read']['clips_per_s']:,.0f}",
        f"{figures['verify']['clips_per_s']:,.0f}",
        f"{figures['verify_vs_read']['ratio']:.1f}x",
    ]


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each encoding."""
    rows = ([name, *row(figures)] for name, figures in result["encodings"].items())
    return [["encoding", *_HEADINGS], *rows]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
