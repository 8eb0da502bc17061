"""Clips of given indices as a dictionary of arrays: the one definition of an element."""

from __future__ import annotations

from typing import Any

from dotmotion_tfds import motion, raster, scenery
from dotmotion_tfds.arrays import Arrays
from dotmotion_tfds.spec import ClipSpec


def describe_clips(
    xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int
) -> dict[str, Any]:
    """Everything about clips but their pixels.

    Args:
      xp: the array operations to use.
      spec: what the clips look like.
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
    """`describe_clips` and `video`, uint8 `[n, frames, height, width, channels]`."""
    described = describe_clips(xp, spec, indices, split=split, seed=seed)
    centers = described["centers"]
    if not spec.shows_the_dot_alone:
        video = raster.render_scene(xp, spec, centers, indices, split=split, seed=seed)
    elif spec.channels == 1:
        video = raster.render_dot(xp, spec, centers)
    else:
        colors = scenery.colors(xp, spec, indices, split=split, seed=seed)
        video = raster.render_dot(xp, spec, centers, colors)
    return {"video": video, **described}
