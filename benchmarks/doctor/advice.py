"""What only the author of a pipeline can change."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from benchmarks.doctor import (
    cropping,
    operations,
    queueing,
    scan_rewrites,
    timing,
    window_rewrites,
)
from benchmarks.doctor.graphs import Node
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import Rewrite, View, where

PYTHON, GENERATOR, BYTES, RAGGED, LOOP, CROP = (
    "py_function",
    "from_generator",
    "uint8 until the device",
    "batch before splitting",
    "no loop in a map",
    "crop while decoding",
)
# What the program can do itself, if it knows what the function does.
SCAN, WINDOWS = scan_rewrites.MAP, window_rewrites.SLICE
# What gives a number of values that depends on the text, for one text or many at once.
_SPLITTING = ("StringSplit", "StringSplitV2", "StringNGrams", "UnicodeDecodeWithOffsets")
# Above it, what is done for the text takes longer than the call.
_MOST_SPLITTING_SECONDS = 1e-3
# Calls of a function that waits to have under way.
_WAITING = 16
# Of the time of an element: what takes less is not worth the author's while.
_LEAST_SHARE = 0.3
_LEAST_GAIN = 1.1
# Of the time of a map, and what writing bytes instead saves of it. The rate that it would
# lead to is not measured, and floats are what models want: it takes more than a little.
_LEAST_WRITING, _SAVED, _LEAST_BYTES_GAIN = 0.2, 0.75, 1.3
_LOOPS = ("While", "StatelessWhile")
# Of a picture's pixels: to decode all for more than this is little more work.
_MOST_KEPT = 0.5
_SAMPLE_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Advice:
    """A change for the author to make.

    Attributes:
      rewrite: what and where; it can't be applied.
      gain: rate after it over rate now at most, by the model; None if it can't tell.
    """

    rewrite: Rewrite
    gain: float | None


def find(
    view: View, now: Sequence[Cost], kept: Mapping[str, tf.data.Dataset]
) -> list[Advice]:
    """Python code in functions, pixels that are floats too early, windows as datasets.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      kept: elements of each stage, by tag.
    """
    shares = queueing.shares(now, view.cores)
    found: list[Advice | None] = []
    for node in view.nodes:
        if (window := _window_before(view, node)) is not None:
            # What stages that hand datasets on cost alone can't always be told.
            known = [shares.get(tag) for tag in (node.tag, window.tag) if tag in view.alone]
            if len(known) < 2 or sum(share or 0.0 for share in known) >= _LEAST_SHARE:
                found.append(_windows(view, node, window))
            continue
        if shares.get(node.tag, 0.0) < _LEAST_SHARE:
            continue
        traits = view.traits(node)
        if traits.is_generator:
            found.append(_generator(view, node, now))
        elif traits.is_python:
            found.append(_python(view, node, now))
        elif node.op == "ScanDataset":
            found.append(_scan(view, node))
        elif any(op in traits.operations for op in _LOOPS):
            found.append(_loop(view, node))
        elif _splits_for_batches(view, node):
            found.append(_ragged(view, node))
        elif (part := cropping.kept_part(view, node, kept) or 1.0) < _MOST_KEPT:
            found.append(_crop(view, node, part))
        elif (writing := _writing_floats(view, node)) > _LEAST_WRITING:
            found.append(_floats(view, node, now, writing))
    return [
        each for each in found if each is not None and (each.gain or 2.0) >= _LEAST_GAIN
    ]


def _window_before(view: View, node: Node) -> Node | None:
    """The stage whose windows a flat map turns into elements."""
    source = view.source_of(node)
    is_flat = node.op in ("FlatMapDataset", "InterleaveDataset")
    if not is_flat or source is None or source.op != "WindowDataset":
        return None
    return source


def _windows(view: View, node: Node, window: Node) -> Advice:
    size, shift = (view.pipeline.constant(window.tag, name) for name in ("size", "shift"))
    words = window_rewrites.in_words(
        window,
        node,
        "size" if size is None else int(size),
        "shift" if shift is None else int(shift),
    )
    return Advice(Rewrite(WINDOWS, (window.tag, node.tag), {}, *words), None)


def _without(view: View, node: Node, now: Sequence[Cost], left: float) -> float | None:
    """The gain if a stage cost only a part of what it does."""
    after = [
        dataclasses.replace(cost, wall_s=cost.wall_s * left, cpu_s=cost.cpu_s * left)
        if cost.tag == node.tag
        else cost
        for cost in now
    ]
    return queueing.predict(now, view.cores) / queueing.predict(after, view.cores)


def _at_once(view: View, node: Node, now: Sequence[Cost], calls: int) -> float:
    """The gain if a stage worked on several elements at once, however they wait."""
    after = [
        dataclasses.replace(cost, parallelism=float(calls), is_server=True)
        if cost.tag == node.tag
        else cost
        for cost in now
    ]
    return queueing.predict(now, view.cores) / queueing.predict(after, view.cores)


def _python(view: View, node: Node, now: Sequence[Cost]) -> Advice:
    waits = view.alone[node.tag].cpu_s < 0.3 * view.alone[node.tag].element_s
    reason = (
        f"{where(node)} waits in Python code, for one element at a time"
        if waits
        else f"{where(node)} runs Python code, which only one thread at a time can do"
    )
    edit = (
        f".map({node.function or 'f'}, num_parallel_calls={_WAITING}) with "
        f"options.threading.private_threadpool_size = {_WAITING}, since a call that waits "
        "keeps a thread, or operations of TensorFlow instead of tf.py_function"
        if waits
        else "operations of TensorFlow instead of tf.py_function or tf.numpy_function, or "
        "one call for a whole batch"
    )
    gain = _at_once(view, node, now, _WAITING) if waits else None
    return Advice(Rewrite(PYTHON, (node.tag,), {}, reason, edit), gain)


def _generator(view: View, node: Node, now: Sequence[Cost]) -> Advice:
    return Advice(
        Rewrite(
            GENERATOR,
            (node.tag,),
            {},
            f"{where(node)} gets each element from a Python generator, in one thread and "
            "through two calls of Python",
            "yield whole batches and .unbatch() or use them as they are, or make elements "
            "with tf.data.Dataset.from_tensor_slices(...).map(...)",
        ),
        None,
    )


def _scan(view: View, node: Node) -> Advice | None:
    """Work of a scan that needs no state, where the program can't tell it apart."""
    split = scan_rewrites.split_of(view.pipeline, node)
    if split is None or scan_rewrites.can_be_made(view, node):
        return None
    words = scan_rewrites.in_words(node, split.work, view.cores)
    return Advice(Rewrite(SCAN, (node.tag,), {}, *words), None)


def _loop(view: View, node: Node) -> Advice:
    return Advice(
        Rewrite(
            LOOP,
            (node.tag,),
            {},
            f"{where(node)} has a loop, whose operations are started one by one in every "
            "round",
            "operations that work on all values at once, such as tf.cumsum, tf.where and "
            "tf.gather, instead of while, for or tf.map_fn",
        ),
        None,
    )


def _crop(view: View, node: Node, part: float) -> Advice:
    return Advice(
        Rewrite(
            CROP,
            (node.tag,),
            {},
            f"{where(node)} decodes whole pictures, of which {part:.0%} of the pixels tell "
            "what it gives",
            "tf.image.decode_and_crop_jpeg(encoded, [y, x, height, width]) with as many "
            "pixels around the part as filters look at, where "
            "tf.image.extract_jpeg_shape(encoded) tells the size, and then all that works "
            "on pixels",
        ),
        None,
    )


def _splits_for_batches(view: View, node: Node) -> bool:
    """Whether single texts are split whose parts then get into a batch."""
    alone = view.alone.get(node.tag)
    if (
        node.op not in operations.MAPS
        or alone is None
        or alone.element_s > _MOST_SPLITTING_SECONDS
    ):
        return False
    if not any(op in view.traits(node).operations for op in _SPLITTING):
        return False
    taker = view.consumer(node.tag)
    while taker is not None and taker.op in (*operations.MAPS, "PrefetchDataset"):
        taker = view.consumer(taker.tag)
    return taker is not None and "Batch" in taker.op


def _ragged(view: View, node: Node) -> Advice:
    function = node.function or "f"
    return Advice(
        Rewrite(
            RAGGED,
            (node.tag,),
            {},
            f"{where(node)} is called for each text, and operations on strings take whole "
            "batches of them",
            f".batch(...) first, and then .map({function}) with a tf.RaggedTensor of all, "
            "and .to_tensor() for parts of one length or instead of padding",
        ),
        None,
    )


def _writing_floats(view: View, node: Node) -> float:
    """Which part of what a map does is to write floats that were bytes, from 0 to 1."""
    if node.op not in operations.MAPS:
        return 0.0
    after = tf.nest.flatten(view.pipeline.spec(node.tag), expand_composites=True)
    alone = view.alone.get(node.tag)
    if alone is None or not any(each.dtype == tf.float32 for each in after):
        return 0.0
    if not view.traits(node).casts_bytes or not alone.cpu_s:
        return 0.0
    return min(alone.bytes / _floats_bytes_per_s() / alone.cpu_s, 1.0)


@functools.cache
def _floats_bytes_per_s() -> float:
    """Written by one thread that makes scaled floats of bytes."""
    pixels = tf.data.Dataset.from_tensors(np.zeros(_SAMPLE_BYTES, np.uint8)).repeat()
    floats = pixels.map(lambda each: tf.cast(each, tf.float32) / 255)
    return 4 * _SAMPLE_BYTES / timing.measure_alone(floats, 0.1).cpu_s


def _floats(view: View, node: Node, now: Sequence[Cost], writing: float) -> Advice | None:
    gain = _without(view, node, now, 1 - _SAVED * writing)
    if gain is None or gain < _LEAST_BYTES_GAIN:
        return None
    return Advice(
        Rewrite(
            BYTES,
            (node.tag,),
            {},
            f"{where(node)} makes four bytes of each pixel, which are then copied",
            "hand on uint8, and let the model cast and scale on its device",
            "element types",
        ),
        gain,
    )
