"""From the dot's centres to uint8 frames, whole batches at a time.

A frame holds two kinds of rows: blank ones, and ones that the dot crosses, which are all
alike. Rendering is therefore one gather of whole rows from a table of `columns + 1` rows.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from dotmotion_tfds.arrays import Arrays
from dotmotion_tfds.motion import center_tables
from dotmotion_tfds.spec import ClipSpec

DOT_VALUE = 255


@dataclasses.dataclass(frozen=True)
class RowTables:
    """What the renderer gathers from.

    Attributes:
      crossed: bool `[row centres, height]`, whether a dot whose centre is on the n-th
        possible row crosses a row of the frame.
      patterns: uint8 `[column centres + 1, width, 1]`; 0 is a blank row, n a row that a
        dot crosses whose centre is on the (n - 1)-th possible column.
      first_row: the first possible row of a centre, in pixels.
      first_column: the first possible column of a centre, in pixels.
    """

    crossed: np.ndarray
    patterns: np.ndarray
    first_row: int
    first_column: int


def render(xp: Arrays, spec: ClipSpec, dot_centers: Any) -> Any:
    """Draws the dot.

    Args:
      xp: the array operations to use.
      spec: the clips' geometry.
      dot_centers: int32 `[n, frames, 2]`, (row, column) in pixels, as
        `motion.centers` gives them for the same spec.

    Returns:
      uint8 `[n, frames, height, width, 1]`, 255 on the dot and 0 elsewhere.
    """
    tables = row_tables(spec)
    rows = dot_centers[..., 0] - tables.first_row
    columns = dot_centers[..., 1] - (tables.first_column - 1)
    crossed = xp.take(tables.crossed, rows)
    return xp.take(tables.patterns, xp.where(crossed, columns[..., np.newaxis], 0))


@functools.lru_cache(maxsize=32)
def row_tables(spec: ClipSpec) -> RowTables:
    """The tables for one spec; computed once and kept."""
    (row_min, row_max), (column_min, column_max) = center_tables(spec).bounds
    crossed = np.stack(
        [_covered(center, spec.height, spec) for center in range(row_min, row_max + 1)]
    )
    patterns = np.zeros((column_max - column_min + 2, spec.width, 1), np.uint8)
    for number, center in enumerate(range(column_min, column_max + 1), start=1):
        patterns[number, _covered(center, spec.width, spec), 0] = DOT_VALUE
    crossed.setflags(write=False)
    patterns.setflags(write=False)
    return RowTables(crossed, patterns, row_min, column_min)


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
