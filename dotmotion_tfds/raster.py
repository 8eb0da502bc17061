"""From centres to uint8 frames, whole batches at a time."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from dotmotion_tfds import scenery
from dotmotion_tfds.arrays import Arrays
from dotmotion_tfds.motion import center_tables
from dotmotion_tfds.spec import ClipSpec


@dataclasses.dataclass(frozen=True)
class RowTables:
    """What the renderer gathers from.

    Attributes:
      crossed: bool `[row centres, height]`, whether a dot whose centre is on the n-th
        possible row crosses a row of the frame.
      patterns: uint8 `[1 + colours * column centres, width, channels]`; first a row of
        ground, then for each colour the row that a dot crosses whose centre is on the
        n-th possible column.
      first_row: the first possible row of a centre, in pixels.
      first_column: the first possible column of a centre, in pixels.
      num_columns: how many possible columns there are.
    """

    crossed: np.ndarray
    patterns: np.ndarray
    first_row: int
    first_column: int
    num_columns: int


def render_dot(xp: Arrays, spec: ClipSpec, centers: Any, colors: Any = None) -> Any:
    """Draws the dot and nothing else.

    A frame holds two kinds of rows: ground, and rows that the dot crosses, which are all
    alike. Rendering is therefore one gather of whole rows from a small table.

    Args:
      xp: the array operations to use.
      spec: what the clips look like, with no distractors, gap or sensor noise.
      centers: int32 `[n, frames, 2]`, (row, column) in pixels, as `motion.centers` gives
        them for the same spec; here, the number of frames is free.
      colors: int64 `[n]`, as `scenery.colors` gives them; None for grey.

    Returns:
      uint8 `[n, frames, height, width, channels]`.
    """
    tables = row_tables(spec)
    rows = centers[..., 0] - tables.first_row
    columns = centers[..., 1] - (tables.first_column - 1)
    if colors is not None:
        columns = columns + xp.int32(colors)[:, np.newaxis] * tables.num_columns
    crossed = xp.take(tables.crossed, rows)
    return xp.take(tables.patterns, xp.where(crossed, columns[..., np.newaxis], 0))


def render_scene(
    xp: Arrays, spec: ClipSpec, centers: Any, indices: Any, *, split: str, seed: int
) -> Any:
    """Draws the dot, where it shows, among distractors and sensor noise.

    Every dot has a bit: a pixel is lit if one of the dots that cross its row is among
    those that cross its column.

    Args:
      xp: the array operations to use.
      spec: what the clips look like.
      centers: int32 `[n, frames, 2]`, (row, column) in pixels, as `motion.centers` gives
        them for the same spec.
      indices: int64 `[n]`, clip indices, not negative.
      split: the split's name.
      seed: the dataset's seed, in [0, 2**63).

    Returns:
      uint8 `[n, frames, height, width, channels]`.
    """
    tables = _crossing_tables(spec)
    crossed = []
    for axis, table in enumerate(tables.crossed):
        crossed.append(xp.take(table, centers[..., axis] - tables.first[axis]))
    rows, columns = crossed
    if spec.occluded_frames:
        rows = (
            rows
            * xp.uint8(scenery.shows(xp, spec, indices, split=split, seed=seed))[
                ..., np.newaxis
            ]
        )
    if spec.distractors:
        others = scenery.distractor_centers(xp, spec, indices, split=split, seed=seed)
        for number in range(spec.distractors):
            for_bit = others[:, :, number] - tables.first
            bit = xp.uint8(np.array(2 << number))
            rows = rows + xp.take(tables.crossed[0], for_bit[..., 0]) * bit
            columns = columns + xp.take(tables.crossed[1], for_bit[..., 1]) * bit
    common = xp.bits_in_common(
        rows[..., np.newaxis, np.newaxis], columns[:, :, np.newaxis, :, np.newaxis]
    )
    lit = xp.uint8(common > 0)
    colors = xp.take(
        scenery.COLORS[spec.channels],
        scenery.colors(xp, spec, indices, split=split, seed=seed),
    )
    lit = lit * colors[:, np.newaxis, np.newaxis, np.newaxis]
    if spec.sensor_noise:
        return scenery.noisy(xp, spec, lit, indices, split=split, seed=seed)
    levels = np.array([spec.ground_level, spec.contrast])
    return lit * xp.uint8(levels[1]) + xp.uint8(levels[0])


@functools.lru_cache(maxsize=32)
def row_tables(spec: ClipSpec) -> RowTables:
    """The tables for one spec; computed once and kept."""
    (row_min, row_max), (column_min, column_max) = center_tables(spec).bounds
    crossed = np.stack(
        [_covered(center, spec.height, spec) for center in range(row_min, row_max + 1)]
    )
    num_columns = column_max - column_min + 1
    colors = scenery.COLORS[spec.channels]
    shape = (1 + len(colors) * num_columns, spec.width, spec.channels)
    patterns = np.full(shape, spec.ground_level, np.uint8)
    numbers = np.ndindex(len(colors), num_columns)
    for number, (color, column) in enumerate(numbers, start=1):
        covered = _covered(column_min + column, spec.width, spec)
        patterns[number, covered] += colors[color] * np.uint8(spec.contrast)
    crossed.setflags(write=False)
    patterns.setflags(write=False)
    return RowTables(crossed, patterns, row_min, column_min, num_columns)


@dataclasses.dataclass(frozen=True)
class _CrossingTables:
    """Which rows and columns a dot crosses, for all centres of dots and distractors.

    Attributes:
      crossed: for rows and for columns, uint8 `[centres, length]`, 0 or 1.
      first: int32 `[2]`, the first centre of each, in pixels.
    """

    crossed: tuple[np.ndarray, np.ndarray]
    first: np.ndarray


@functools.lru_cache(maxsize=32)
def _crossing_tables(spec: ClipSpec) -> _CrossingTables:
    crossed, first = [], []
    lengths = (spec.height, spec.width)
    for length, (low, high) in zip(lengths, center_tables(spec).bounds, strict=True):
        centers = range(min(low, 0), max(high, length - 1) + 1)
        rows = [_covered(center, length, spec) for center in centers]
        crossed.append(np.stack(rows).astype(np.uint8))
        first.append(centers[0])
    return _CrossingTables((crossed[0], crossed[1]), np.array(first, np.int32))


def _covered(center: int, length: int, spec: ClipSpec) -> np.ndarray:
    """Which of `length` pixels on one axis a dot around `center` covers, bool."""
    start = center - spec.dot_size // 2
    stop = start + spec.dot_size
    if not spec.as_notebook:
        start, stop = max(start, 0), max(stop, 0)
    # The notebook's slice counts a negative bound from the end; that is one of the
    # faults it is reproduced with.
    covered = np.zeros(length, np.bool_)
    covered[start:stop] = True
    return covered
