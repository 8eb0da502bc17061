"""Clips of given indices by one operation in C++, for `tf.data` pipelines.

It writes the ground of a clip at once and then the rows that the dot crosses. Gathering all
rows by TensorFlow's operations reads every cache line before it is overwritten, and takes
two to three times as long in all.
"""

from __future__ import annotations

import functools
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from dotmotion_tfds import motion, raster, scenery, splitmix
from dotmotion_tfds.arrays_tensorflow import TENSORFLOW
from dotmotion_tfds.native.library import Library
from dotmotion_tfds.spec import ClipSpec

LIBRARY = Library(pathlib.Path(__file__).parent / "clip_source")


def is_usable(spec: ClipSpec) -> bool:
    """Whether the operation is there and can make clips of a spec."""
    return (
        spec.shows_the_dot_alone
        and not spec.varying_speed
        and LIBRARY.load().ops is not None
    )


@tf.autograph.experimental.do_not_convert
def render_clips(
    spec: ClipSpec, indices: tf.Tensor, *, split: str, seed: int
) -> dict[str, tf.Tensor]:
    """What `elements.render_clips` gives, bit for bit, where `is_usable`.

    Args:
      spec: what the clips look like.
      indices: int64 `[n]`, not negative.
      split: the split's name.
      seed: the dataset's seed, in [0, 2**63).

    Returns:
      `video` uint8 `[n, frames, height, width, channels]`, `label` int64 `[n]`,
      `centers` int32 `[n, frames, 2]` and `index`, the indices.
    """
    centers, rows = motion.center_tables(spec), raster.row_tables(spec)
    keys = [splitmix.stream_key(seed, split, name) for name in ("label", "center")]
    colors = tf.zeros_like(indices)
    if spec.channels > 1:
        colors = scenery.colors(TENSORFLOW, spec, indices, split=split, seed=seed)
    video, label, center = LIBRARY.load().ops.dotmotion_clips(
        indices=indices,
        colors=tf.cast(colors, tf.int64),
        keys=np.array(keys, np.uint64),
        label_orders=motion.LABEL_ORDERS,
        lowest=centers.lowest,
        thresholds=centers.thresholds,
        crossed_rows=_crossed_rows(spec),
        patterns=rows.patterns,
        height=spec.height,
        first_row=rows.first_row,
        first_column=rows.first_column,
        num_columns=rows.num_columns,
    )
    num_clips = indices.shape[0]
    video.set_shape([num_clips, *spec.video_shape])
    label.set_shape([num_clips])
    center.set_shape([num_clips, spec.frames, 2])
    return {"video": video, "label": label, "centers": center, "index": indices}


@functools.lru_cache(maxsize=32)
def _crossed_rows(spec: ClipSpec) -> Any:
    """The rows that a dot crosses for each row of its centre, int32, filled up with -1."""
    crossed = raster.row_tables(spec).crossed
    lists = [np.flatnonzero(rows) for rows in crossed]
    filled = np.full((len(lists), max(1, *map(len, lists))), -1, np.int32)
    for row, numbers in enumerate(lists):
        filled[row, : len(numbers)] = numbers
    return filled
