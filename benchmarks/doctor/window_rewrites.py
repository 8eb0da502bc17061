"""Rewrites that cut windows out of batches of rows instead of making a dataset of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from benchmarks.doctor import addressing, building, vectorised_rewrites
from benchmarks.doctor.addressing import Window
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, where

SLICE = "windows by slicing"
KINDS = (SLICE,)
# Of the windows that are cut out of one batch of rows.
_MOST_BYTES, _MOST_WINDOWS = 4 << 20, 64
_CALLS = 2


def find(view: View) -> list[Rewrite]:
    """Windows that a flat map makes tensors of, but those that are gathered from arrays."""
    gathered = {
        tag
        for rewrite in vectorised_rewrites.find(view)
        if rewrite.kind in vectorised_rewrites.CALLING
        for tag in rewrite.tags
    }
    return [
        rewrite
        for node in view.nodes
        if node.tag not in gathered
        for rewrite in _sliced(view, node)
    ]


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if the windows are none that can be cut out.
      KeyError: if one of the stages is gone.
    """
    windows, last = (pipeline.node(tag) for tag in rewrite.tags)
    window = addressing.window_of(pipeline, last)
    if window is None or windows.tag not in last.inputs:
        raise GraphError(f"{last.name} takes no windows")
    rows = building.build(pipeline, windows.inputs[0])
    return building.substituted(pipeline, last.tag, _apart(cut_out(rows, window)))


def cut_out(rows: tf.data.Dataset, window: Window) -> tf.data.Dataset:
    """Batches of windows.

    Args:
      rows: what the windows are made of: flat dense tensors, each of one shape.
      window: what they are like; no rows are left out between them.
    """
    specs = tf.nest.flatten(rows.element_spec)
    row_bytes = sum(each.shape.num_elements() * each.dtype.size for each in specs)
    fitting = _MOST_BYTES // max(row_bytes * window.size, 1)
    chunk = window.shift * min(max(fitting, 1), _MOST_WINDOWS)

    def behind_the_rest(left: Sequence[tf.Tensor], more: Sequence[tf.Tensor]) -> Any:
        """Rows for whole windows, and those that are left for the next."""
        joined = [tf.concat(both, 0) for both in zip(left, more, strict=True)]
        given = tf.shape(joined[0], out_type=tf.int64)[0]
        count = tf.maximum((given - window.span) // window.shift + 1, 0)
        rest = tuple(each[count * window.shift :] for each in joined)
        return rest, (count, *joined)

    def windows(count: tf.Tensor, *joined: tf.Tensor) -> Any:
        numbers = tf.range(count)
        return tuple(
            addressing.windows_of(joined[component], window, numbers)
            for component in window.components
        )

    nothing = tuple(tf.zeros([0, *each.shape], each.dtype) for each in specs)
    return rows.batch(chunk).scan(nothing, behind_the_rest).map(windows, _CALLS)


def _apart(batches: tf.data.Dataset) -> tf.data.Dataset:
    """What `unbatch` makes of dense batches, without the map that it puts in front."""
    specs = tuple(
        tf.TensorSpec(each.shape[1:], each.dtype) for each in batches.element_spec
    )
    variant = tf.raw_ops.UnbatchDataset(
        input_dataset=batches._variant_tensor,
        output_types=[each.dtype for each in specs],
        output_shapes=[each.shape for each in specs],
    )
    return building.of_variant(variant, specs, batches)


def _sliced(view: View, node: Node) -> list[Rewrite]:
    window = addressing.window_of(view.pipeline, node)
    if window is None or window.shift > window.span:
        return []
    windows = view.node(node.inputs[0])
    rows = view.source_of(windows)
    if rows is None or view.consumer(windows.tag) is not node:
        return []
    if not vectorised_rewrites.is_batchable(view, rows):
        return []
    return [
        Rewrite(
            SLICE,
            (windows.tag, node.tag),
            {},
            *in_words(windows, node, window.size, window.shift),
        )
    ]


def in_words(windows: Node, taker: Node, size: object, shift: object) -> tuple[str, str]:
    """Why windows should be cut out of batches, and how.

    Args:
      windows: the stage that makes datasets of them.
      taker: the stage that takes these.
      size: of a window, a number or what it is called.
      shift: from one to the next.
    """
    return (
        f"{where(windows)} makes a dataset of each window, which {where(taker)} iterates "
        "over and throws away",
        ".batch(1024), a .scan() that puts the rows that a batch has left before those of "
        f"the next one, .map(lambda rows: tf.signal.frame(rows, {size}, {shift}, axis=0)) "
        "and .unbatch(); or keras.utils.timeseries_dataset_from_array",
    )
