"""From a clip's index to its label and the dot's centres, with integers only.

Each coordinate of the dot in each frame is a rounded normal variate, which is a discrete
distribution over pixels. Its cumulative thresholds are computed once for a spec, in
arbitrary precision, so they do not depend on any platform's floating point; a draw is
then a count of the thresholds below a 64-bit hash of (seed, split, index, draw).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from dotmotion_tfds import splitmix
from dotmotion_tfds.arrays import Arrays
from dotmotion_tfds.spec import CLASS_NAMES, ClipSpec, require_seed, require_split

NUM_CLASSES = len(CLASS_NAMES)
SINE, CONSTANT, ASCENDING, DESCENDING = range(NUM_CLASSES)

# Threshold t stands for "the hash is greater than t", so this one is never passed.
_NEVER = (1 << 64) - 1
# 40 decimal digits leave 69 bits of guard below the 64 that are kept.
_EXACT = mpmath.MPContext()
_EXACT.dps = 40
# Beyond ten deviations lie less than 2**-76 of the probability: none of 64 bits.
_FAR = 10

_PHASES_PER_FRAME = 4

# Every order of the classes, int32 [24, 4].
LABEL_ORDERS = np.array(list(itertools.permutations(range(NUM_CLASSES))), np.int32)


@dataclasses.dataclass(frozen=True)
class CenterTables:
    """The distribution of every coordinate of every frame of every class.

    Attributes:
      lowest: int32 `[classes, phases, 2]`, the least (row, column) in pixels that a
        centre takes with a probability of at least 2**-64. There is a phase for each
        frame, or, with varying speed, for each quarter of the way between frames.
      thresholds: uint64 `[classes, phases, 2, steps]`; a coordinate is `lowest` plus
        the number of thresholds below its 64-bit draw.
      bounds: `((row_min, row_max), (column_min, column_max))` in pixels, inclusive.
    """

    lowest: np.ndarray
    thresholds: np.ndarray
    bounds: tuple[tuple[int, int], tuple[int, int]]


def labels(xp: Arrays, indices: Any, *, split: str, seed: int) -> Any:
    """Labels of clips.

    Four clips in a row, from a multiple of four on, hold each class once, in an order
    drawn for that block: any batch of whole blocks is balanced.

    Args:
      xp: the array operations to use.
      indices: int64 `[n]`, clip indices, not negative.
      split: the split's name.
      seed: the dataset's seed, in [0, 2**63).

    Returns:
      int32 `[n]`, values in [0, 4).
    """
    key = splitmix.stream_key(require_seed(seed), require_split(split), "label")
    indices = xp.uint64(indices)
    draw = splitmix.draws(xp, xp.uint64(key), xp.shift_right(indices, 2))
    order = xp.shift_right(xp.shift_right(draw, 32) * xp.uint64(len(LABEL_ORDERS)), 32)
    position = indices - xp.shift_right(indices, 2) * xp.uint64(NUM_CLASSES)
    return xp.take_pairs(LABEL_ORDERS, xp.int64(order), xp.int64(position))


def centers(
    xp: Arrays, spec: ClipSpec, indices: Any, clip_labels: Any, *, split: str, seed: int
) -> Any:
    """Centres of the dot in every frame of clips.

    Args:
      xp: the array operations to use.
      spec: the clips' geometry.
      indices: int64 `[n]`, clip indices, not negative.
      clip_labels: int32 `[n]`, as `labels` gives them for the same indices.
      split: the split's name.
      seed: the dataset's seed, in [0, 2**63).

    Returns:
      int32 `[n, frames, 2]`, (row, column) in pixels from the top left; a centre can
      lie outside the frame.
    """
    tables = center_tables(spec)
    key = splitmix.stream_key(require_seed(seed), require_split(split), "center")
    clip_keys = splitmix.draws(xp, xp.uint64(key), xp.uint64(indices))
    counter = np.arange(spec.frames * 2, dtype=np.uint64).reshape(spec.frames, 2)
    hashes = splitmix.draws(
        xp, clip_keys[:, np.newaxis, np.newaxis], xp.uint64(counter)[np.newaxis]
    )
    if not spec.varying_speed:
        steps = xp.count_greater(hashes, xp.take(tables.thresholds, clip_labels))
        return xp.take(tables.lowest, clip_labels) + steps
    num_phases = tables.lowest.shape[1]
    phases = _phases(xp, spec, indices, split=split, seed=seed)
    rows = clip_labels[:, np.newaxis] * num_phases + phases
    thresholds = tables.thresholds.reshape(-1, *tables.thresholds.shape[2:])
    steps = xp.count_greater(hashes, xp.take(thresholds, rows))
    return xp.take(tables.lowest.reshape(-1, 2), rows) + steps


def _phases(xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int) -> Any:
    """How far along its path the dot is in each frame, int32 `[n, frames]` in phases.

    Each step from frame to frame is 1 to 8 parts of the way, drawn afresh; the first
    frame shows the beginning of the path and the last one its end, as at even speed.
    """
    if spec.frames == 1:
        return xp.int32(indices[:, np.newaxis]) * 0
    key = splitmix.stream_key(seed, split, "speed")
    clip_keys = splitmix.draws(xp, xp.uint64(key), xp.uint64(indices))
    counter = np.arange(spec.frames - 1, dtype=np.uint64)
    hashes = splitmix.draws(xp, clip_keys[:, np.newaxis], xp.uint64(counter)[np.newaxis])
    parts = xp.cumulative_sum(xp.int32(xp.shift_right(hashes, 61)) + 1)
    last_phase = _PHASES_PER_FRAME * (spec.frames - 1)
    whole = parts[:, -1:]
    # Rounded; below 2**31 for 4096 frames of 8 parts each.
    return xp.prepend_zero((2 * parts * last_phase + whole) // (2 * whole))


@functools.lru_cache(maxsize=32)
def center_tables(spec: ClipSpec) -> CenterTables:
    """The tables for one spec; computed once and kept."""
    times = [Fraction(frame) for frame in range(spec.frames)]
    if spec.varying_speed:
        num_phases = _PHASES_PER_FRAME * (spec.frames - 1) + 1
        times = [Fraction(phase, _PHASES_PER_FRAME) for phase in range(num_phases)]
    coordinates = [
        [_coordinates(spec, label, time) for time in times] for label in range(NUM_CLASSES)
    ]
    # Most frames share a few distributions that differ by whole pixels only.
    rounded: dict[tuple[Any, Any], tuple[int, tuple[int, ...]]] = {}
    shape = (NUM_CLASSES, len(times), 2)
    lowest = np.zeros(shape, np.int32)
    steps: dict[tuple[int, int, int], tuple[int, ...]] = {}
    for label, phase, axis in np.ndindex(shape):
        mean, deviation = coordinates[label][phase][axis]
        whole = int(_EXACT.floor(mean))
        part = mean - whole
        if (part, deviation) not in rounded:
            rounded[part, deviation] = rounded_normal(part, deviation)
        offset, thresholds = rounded[part, deviation]
        lowest[label, phase, axis] = whole + offset
        steps[label, phase, axis] = thresholds
    width = max(1, *(len(thresholds) for thresholds in steps.values()))
    padded = np.full((*shape, width), _NEVER, np.uint64)
    highest = lowest.copy()
    for position, thresholds in steps.items():
        padded[position][: len(thresholds)] = thresholds
        highest[position] += len(thresholds)
    bounds = tuple(
        (int(lowest[..., axis].min()), int(highest[..., axis].max())) for axis in (0, 1)
    )
    lowest.setflags(write=False)
    padded.setflags(write=False)
    return CenterTables(lowest, padded, (bounds[0], bounds[1]))


def rounded_normal(mean: Any, deviation: Any) -> tuple[int, tuple[int, ...]]:
    """The distribution of `round(mean + deviation * n)` for n ~ N(0, 1), on 64 bits.

    Args:
      mean: an integer, fraction or mpmath number.
      deviation: likewise, not negative; 0 gives `round(mean)`, half to even.

    Returns:
      `(lowest, thresholds)`: the value is `lowest` plus the number of thresholds that a
      uniform 64-bit integer exceeds. Each probability is exact to 2**-64.
    """
    mean, deviation = _exact(mean), _exact(deviation)
    nearest = int(_EXACT.nint(mean))
    if deviation == 0:
        return nearest, ()

    def at_most(value: int) -> int:
        boundary = (value + _EXACT.mpf(1) / 2 - mean) / deviation
        if abs(boundary) > _FAR:
            return 0 if boundary < 0 else 1 << 64
        return int(_EXACT.nint(_EXACT.ldexp(_EXACT.ncdf(boundary), 64)))

    reach = int(_EXACT.ceil(_FAR * deviation)) + 1
    lowest = nearest - reach
    while at_most(lowest) == 0:
        lowest += 1
    thresholds: list[int] = []
    for value in itertools.count(lowest):
        below = at_most(value)
        if below >= 1 << 64:
            return lowest, tuple(thresholds)
        thresholds.append(below - 1)
    raise AssertionError("unreachable")


def _coordinates(
    spec: ClipSpec, label: int, time: Fraction
) -> Sequence[tuple[mpmath.mpf, mpmath.mpf]]:
    """Mean and standard deviation in pixels of (row, column), in arbitrary precision.

    The time is counted in frames from the first one.
    """
    height, width = spec.height, spec.width
    noise = _exact(Fraction(spec.noise))
    still = _EXACT.mpf(0)
    if label == CONSTANT:
        if spec.as_notebook:
            row, column = Fraction(13 * height, 10), Fraction(5 * width, 26)
        else:
            row, column = Fraction(height, 2), Fraction(width, 2)
        return (_exact(row), noise), (_exact(column), noise)
    # 6 (i + 1) at 20 frames of 130 columns.
    column = _EXACT.nint(_exact(Fraction(12 * width, 13 * spec.frames) * (time + 1)))
    if label == SINE:
        # 23 (sin t + 0.05 n + 1) + 4 at 50 rows.
        first, last = _EXACT.pi / 10, 2 * _EXACT.pi
        angle = first + (last - first) * _exact(time) / max(1, spec.frames - 1)
        mean = _exact(Fraction(23 * height, 50)) * (_EXACT.sin(angle) + 1)
        mean += _exact(Fraction(4 * height, 50))
        return (mean, _exact(Fraction(23, 20)) * noise), (column, still)
    # 2 (i + 1) + 2 or 2 (20 - i) + 2 at 20 frames of 50 rows.
    row_grows = (label == ASCENDING) == spec.as_notebook
    step = time + 1 if row_grows else spec.frames - time
    row = Fraction(4 * height, 5 * spec.frames) * step + Fraction(height, 25)
    return (_exact(row), noise), (column, still)


def _exact(value: Any) -> mpmath.mpf:
    if isinstance(value, Fraction):
        return _EXACT.mpf(value.numerator) / value.denominator
    return _EXACT.mpf(value)
