"""Turns that ask a pipeline for batches of clips, and check that they are the right ones.

A pipeline lives as long as its process: iterators are not made anew in a turn, so that
AUTOTUNE's search and first elements are not part of a rate. Each turn first takes batches
that are not counted, since a pipeline fills its buffers while others have their turn, and
ends when it has filled them again.
"""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import google_crc32c
import numpy as np

from benchmarks import counters
from benchmarks.arms import Work, WrongWorkError
from dotmotion_tfds import elements, raster
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import CONFIGS

_SPEC = CONFIGS["standard"].spec
_SPLIT, _SEED = "train", 0
# Pixels of one clip are looked at in every so many batches: 15 us each, while the fastest
# pipelines take 500 us a batch.
_PIXELS_EVERY = 8
# As long as half of what is counted, but no longer than it takes to empty any buffer.
_UNCOUNTED_PART, _MOST_UNCOUNTED_SECONDS = 0.5, 0.3
_MOST_IDLE_SECONDS = 2.0
_IDLE_STEP_SECONDS = 0.03
# Of one processor: to ask how idle it is takes a tenth.
_IDLE_PART = 0.3

IN_ORDER, ANY_ORDER, NO_INDEX = "in order", "any order", "no index"


@dataclasses.dataclass(frozen=True)
class Place:
    """What a pipeline is made for.

    Attributes:
      batch_size: clips of a batch; divides `num_clips`.
      num_clips: clips of a pass, for pipelines that store or cache them.
      folder: an empty directory of its own.
    """

    batch_size: int
    num_clips: int
    folder: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Expected:
    """Which batches a pipeline should give.

    Attributes:
      batch_size: clips of every batch.
      order: IN_ORDER: clip number k of a pass has index k; ANY_ORDER: each index once in
        every pass; NO_INDEX: clips come from elsewhere and show a dot at their centres.
      pass_clips: after how many clips indices repeat; None if they never do.
      is_float: whether pixels are float32 in [0, 1] instead of uint8.
    """

    batch_size: int
    order: str = IN_ORDER
    pass_clips: int | None = None
    is_float: bool = False


def turn_of(
    make_batches: Callable[[], Iterable[Mapping[str, Any]]],
    expected: Expected,
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Callable[[], Work]:
    """A turn of as many batches as fill some seconds; its time is that of one.

    Args:
      make_batches: gives batches without end, each with `video` `[b, ...]`, `centers`
        and, unless there is no index, `index` `[b]`, as arrays or tensors on the host.
      expected: which ones.
      seconds: how long a turn lasts, after what is not counted.
      clock: seconds that go up.

    Returns:
      The turn. Its checksum is that of the first batch. Its notes are `cpu_us_per_clip`,
      `page_faults_per_clip` and `read_bytes_per_clip` of this process and its
      descendants, `delivered_bytes_per_clip` and `peak_mib`.

    Raises:
      WrongWorkError: here or in a turn, if the pipeline ends or gives a wrong batch.
    """
    source = _Checked(iter(make_batches()), expected)
    first = source.next()
    checksum = google_crc32c.value(_array(first["video"]).tobytes())
    delivered_bytes = sum(_array(value).nbytes for value in first.values())

    uncounted = min(_UNCOUNTED_PART * seconds, _MOST_UNCOUNTED_SECONDS)

    def turn() -> Work:
        _take_for(source, uncounted, clock)
        source.verify()
        before = counters.read()
        batches, elapsed = _take_for(source, seconds, clock)
        used = counters.read() - before
        source.verify()
        _wait_until_idle()
        clips = batches * expected.batch_size
        return Work(
            count=expected.batch_size,
            checksum=checksum,
            seconds=elapsed / batches,
            notes={
                "cpu_us_per_clip": round(1e6 * used.cpu_s / clips, 2),
                "page_faults_per_clip": round(used.page_faults / clips, 3),
                "read_bytes_per_clip": round(used.read_bytes / clips, 1),
                "delivered_bytes_per_clip": delivered_bytes // expected.batch_size,
                "peak_mib": counters.peak_mib(),
            },
        )

    return turn


def _take_for(
    source: _Checked, seconds: float, clock: Callable[[], float]
) -> tuple[int, float]:
    """Takes batches for some time, at least one; returns how many, and the time."""
    start = clock()
    batches = 0
    while True:
        source.next()
        batches += 1
        elapsed = clock() - start
        if elapsed >= seconds:
            return batches, elapsed


class _Checked:
    """Batches of a pipeline, of which enough is kept to check them later."""

    def __init__(self, batches: Iterator[Mapping[str, Any]], expected: Expected) -> None:
        self._batches = batches
        self._expected = expected
        self._taken = 0
        self._seen: collections.Counter[int] = collections.Counter()
        # Of batches that were not checked yet: number, indices, and, of some, the row that
        # was looked at, its checksum and its centres.
        self._kept: list[tuple[int, np.ndarray, tuple[int, int, np.ndarray] | None]] = []

    def next(self) -> Mapping[str, Any]:
        try:
            batch = next(self._batches)
        except StopIteration:
            raise WrongWorkError(
                f"the pipeline ended after {self._taken} batches"
                if self._taken
                else "the pipeline gave nothing"
            ) from None
        size = self._expected.batch_size
        video = _array(batch["video"])
        if len(video) != size:
            raise WrongWorkError(f"batch {self._taken} has {len(video)} clips of {size}")
        pixels = None
        if self._taken % _PIXELS_EVERY == 0:
            row = self._taken % size
            centers = np.array(_array(batch["centers"])[row])
            pixels = (row, google_crc32c.value(video[row].tobytes()), centers)
        if self._expected.order == NO_INDEX:
            indices = np.empty(0, np.int64)
        else:
            indices = np.array(_array(batch["index"]))
        self._kept.append((self._taken, indices, pixels))
        self._taken += 1
        return batch

    def verify(self) -> None:
        """Checks what was kept, against clips that are made one by one with NumPy."""
        for number, indices, pixels in self._kept:
            self._verify_order(number, indices)
            if pixels is not None:
                row, checksum, centers = pixels
                if not len(indices):
                    self._require_new(number, checksum)
                video = self._video(int(indices[row]) if len(indices) else None, centers)
                if google_crc32c.value(video.tobytes()) != checksum:
                    raise WrongWorkError(f"batch {number}, row {row}: wrong frames")
        self._kept.clear()

    def _verify_order(self, number: int, indices: np.ndarray) -> None:
        order, passes = self._expected.order, self._expected.pass_clips
        first = number * self._expected.batch_size
        stop = first + self._expected.batch_size
        if order == IN_ORDER:
            due = np.arange(first, stop)
            if passes is not None:
                due %= passes
            if not np.array_equal(indices, due):
                raise WrongWorkError(
                    f"batch {number} has clips {indices[0]} to {indices[-1]}, expected "
                    f"{due[0]} to {due[-1]}"
                )
        elif order == ANY_ORDER:
            self._seen.update(indices.tolist())
            most = 1 if passes is None else -(-stop // passes)
            index = max(indices.tolist(), key=self._seen.__getitem__)
            times = self._seen[index]
            if times > most:
                raise WrongWorkError(
                    f"clip {index} came {times} times in {number + 1} batches, expected "
                    f"{most} at most"
                )

    def _require_new(self, number: int, checksum: int) -> None:
        """Without indices, a clip that came before is known by its frames alone."""
        self._seen.update([checksum])
        if self._seen[checksum] > 1:
            raise WrongWorkError(f"batch {number} has a clip that came before")

    def _video(self, index: int | None, centers: np.ndarray) -> np.ndarray:
        if index is None:
            video = raster.render_dot(NUMPY, _SPEC, centers[np.newaxis])[0]
        else:
            indices = np.array([index], np.int64)
            clip = elements.render_clips(NUMPY, _SPEC, indices, split=_SPLIT, seed=_SEED)
            video = clip["video"][0]
        if self._expected.is_float:
            return video.astype(np.float32) / np.float32(255)
        return np.asarray(video)


def _array(value: Any) -> np.ndarray:
    """A view of what is on the host; no copy for arrays and tensors of TensorFlow."""
    return np.asarray(value)


def _wait_until_idle() -> None:
    """Waits until the pipeline has filled its buffers, or for two seconds."""
    used = counters.read().cpu_s
    for _ in range(round(_MOST_IDLE_SECONDS / _IDLE_STEP_SECONDS)):
        time.sleep(_IDLE_STEP_SECONDS)
        before, used = used, counters.read().cpu_s
        if used - before < _IDLE_PART * _IDLE_STEP_SECONDS:
            return
