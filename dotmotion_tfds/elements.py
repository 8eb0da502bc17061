"""Clips of given indices as a dictionary of arrays: the one definition of an element."""

from __future__ import annotations

from typing import Any

from dotmotion_tfds import motion, raster
from dotmotion_tfds.arrays import Arrays
from dotmotion_tfds.spec import ClipSpec


def describe_clips(
    xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int
) -> dict[str, Any]:
    """Everything about clips but their pixels.

    Args:
      xp: the array operations to use.
      spec: the clips' geometry.
      indices: int64 `[n]`, not negative.
      split: the split's name.
      seed: the dataset's seed, in [0, 2**63).

    Returns:
      `label` int64 `[n]`, in [0, 4); `centers` int32 `[n, frames, 2]`, (row, column)
      in pixels; `index` int64 `[n]`.
    """
    labels = motion.labels(xp, indices, split=split, seed=seed)
    centers = motion.centers(xp, spec, indices, labels, split=split, seed=seed)
    return {"label": xp.int64(labels), "centers": centers, "index": indices}


def render_clips(
    xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int
) -> dict[str, Any]:
    """`describe_clips` and `video`, uint8 `[n, frames, height, width, 1]`."""
    described = describe_clips(xp, spec, indices, split=split, seed=seed)
    return {"video": raster.render(xp, spec, described["centers"]), **described}
