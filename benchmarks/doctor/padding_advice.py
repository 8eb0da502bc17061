"""Batches of which much is padding, since long and short elements come together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.doctor import queueing, time_limits, timing
from benchmarks.doctor.advice import Advice
from benchmarks.doctor.graphs import Node
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View, where

BUCKETS = "bucket by length"
_PADDED = "PaddedBatchDatasetV2"
# Elements that are looked at, in whole batches, and how many there have to be.
_MOST, _LEAST = 512, 8
# Of the values in a batch. Lengths in a bucket differ too.
_LEAST_PADDING, _SAVED = 0.4, 0.75
# Of the time, of the batch and all that works on it.
_LEAST_SHARE = 0.3


def find(
    view: View, now: Sequence[Cost], kept: Mapping[str, tf.data.Dataset]
) -> list[Advice]:
    """Padded batches that buckets of similar lengths would make much smaller.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      kept: elements of each stage, by tag.
    """
    shares = queueing.shares(now, view.cores)
    found = []
    for number, node in enumerate(view.nodes):
        if node.op != _PADDED:
            continue
        share = sum(shares.get(each.tag, 0.0) for each in view.nodes[number:])
        source = view.source_of(node)
        if share < _LEAST_SHARE or source is None or source.tag not in kept:
            continue
        advice = _advice(view, node, kept[source.tag], share)
        found += [] if advice is None else [advice]
    return found


def _advice(
    view: View, node: Node, elements: tf.data.Dataset, share: float
) -> Advice | None:
    size = view.pipeline.constant(node.tag, "batch_size")
    spec = tf.nest.flatten(view.pipeline.spec(node.tag))
    if size is None or not all(isinstance(each, tf.TensorSpec) for each in spec):
        return None
    # Dimensions that are padded to a number that the author has given.
    fixed = [each.shape.as_list()[1:] for each in spec if each.shape.rank is not None]
    if len(fixed) < len(spec):
        return None
    most = max(_MOST // int(size), 1) * int(size)
    try:
        shapes = [
            [tuple(tensor.shape) for tensor in element]
            for element in itertools.islice(timing.one_pass(elements), most)
        ]
    except (tf.errors.OpError, time_limits.TooSlowError):
        return None
    if len(shapes) < _LEAST:
        return None
    widths = [each.dtype.size for each in spec]
    padding = _padding(shapes, fixed, widths, int(size))
    if padding < _LEAST_PADDING:
        return None
    bounds = _bounds(shapes, fixed, widths)
    return Advice(
        Rewrite(
            BUCKETS,
            (node.tag,),
            {},
            f"{padding:.0%} of what {where(node)} gives is padding, as long and short "
            "elements come together",
            f".bucket_by_sequence_length(length, bucket_boundaries={bounds}, "
            f"bucket_batch_sizes={[int(size)] * (len(bounds) + 1)}) instead of "
            f".padded_batch({int(size)}), which has elements of similar length share a "
            "batch, in another order",
            "batches and their order",
        ),
        1 / (1 - _SAVED * padding * share),
    )


def _padding(
    shapes: Sequence[Sequence[tuple[int, ...]]],
    fixed: Sequence[Sequence[int | None]],
    widths: Sequence[int],
    size: int,
) -> float:
    """Which part of the bytes in batches no element has given.

    Args:
      shapes: of each element's tensors.
      fixed: sides of the padded tensors that do not depend on what is in the batch.
      widths: bytes of a value of each tensor.
      size: elements in a batch.
    """
    given = padded = 0
    for first in range(0, len(shapes), size):
        batch = shapes[first : first + size]
        for which, (sides, width) in enumerate(zip(fixed, widths, strict=True)):
            of_batch = [shape[which] for shape in batch]
            longest = [
                max(shape[axis] for shape in of_batch) if side is None else side
                for axis, side in enumerate(sides)
            ]
            # What is padded to a length that is given, buckets would pad as well.
            least = [
                [
                    length if side is None else side
                    for length, side in zip(shape, sides, strict=True)
                ]
                for shape in of_batch
            ]
            given += width * sum(map(math.prod, least))
            padded += width * len(batch) * math.prod(longest)
    return 1 - given / padded if padded else 0.0


def _bounds(
    shapes: Sequence[Sequence[tuple[int, ...]]],
    fixed: Sequence[Sequence[int | None]],
    widths: Sequence[int],
) -> list[int]:
    """Lengths between which there are as many elements, of the side that varies most."""

    def of(which: int, axis: int) -> Any:
        return np.array([shape[which][axis] for shape in shapes])

    sides = [
        (which, axis)
        for which, of_tensor in enumerate(fixed)
        for axis, side in enumerate(of_tensor)
        if side is None
    ]
    # By the bytes that it adds to an element.
    which, axis = max(
        sides,
        key=lambda side: float(
            np.ptp(of(*side))
            * widths[side[0]]
            * math.prod(
                each or 1 for other, each in enumerate(fixed[side[0]]) if other != side[1]
            )
        ),
    )
    quarters = np.quantile(of(which, axis), [0.25, 0.5, 0.75])
    return sorted({math.ceil(each) + 1 for each in quarters})
