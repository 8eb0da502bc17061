"""Pictures that a map decodes whole, though only a part of each matters.

JPEG can be decoded in part (`tf.image.decode_and_crop_jpeg`), with equal pixels. Which part
matters is found by trial: other pixels are replaced, and what the map gives stays the same,
whatever it does with them on the way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from benchmarks.doctor import (
    definitions,
    inlining,
    operations,
    time_limits,
    timing,
    traits,
)
from benchmarks.doctor.definitions import Definition
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import View

_DECODERS = ("DecodeImage", "DecodeJpeg")
_JPEG = b"\xff\xd8"
_SOME = 3
# Of a side: how well it is known where the part begins and ends, and what is looked at
# first. Where as much matters on all four sides, more than half of the pixels do.
_STEPS, _STRIP = 32, 8
_MOST_SECONDS = 3.0

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def kept_part(view: View, node: Node, kept: Mapping[str, tf.data.Dataset]) -> float | None:
    """Which part of the pixels that a map decodes matters to what it gives, from 0 to 1.

    Args:
      view: the pipeline.
      node: the map.
      kept: elements of each stage, by tag.

    Returns:
      The smallest rectangle that holds the part, over the picture; 1 for what is no JPEG,
      or where an eighth of it matters on each side. None if no picture is decoded, nothing
      depends on its pixels, or it takes too long.
    """
    if node.op not in operations.MAPS:
        return None
    source = view.source_of(node)
    if source is None or source.tag not in kept:
        return None
    parts: list[float] = []
    try:
        functions = _parts_of(view.pipeline, node)
        if functions is None:
            return None
        with timing.deadline(_MOST_SECONDS) as has_time:
            elements = timing.one_pass(kept[source.tag])
            for element in itertools.islice(elements, _SOME):
                part = _part(*functions, element, has_time)
                if part is None or part == 1.0:
                    return part
                parts.append(part)
    except time_limits.TooSlowError:
        # Of one picture or two it is known.
        pass
    except (GraphError, KeyError, TypeError, ValueError, tf.errors.OpError):
        return None
    return sum(parts) / len(parts) if parts else None


def _parts_of(
    pipeline: Pipeline, node: Node
) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """What gives the bytes and the picture of an element, and the rest of a map's function.

    The former also gives the numbers that are drawn; the latter takes a picture and numbers
    in place of these. None if no picture is decoded.
    """
    function = definitions.of(pipeline, node)
    if function is None or not inlining.is_callable(pipeline, node):
        return None
    decoder = next((each for each in function.nodes if each.op in _DECODERS), None)
    if decoder is None:
        return None
    name, captured = node.functions[0], inlining.captured(pipeline, node)
    # Numbers that are drawn anew in each call would tell it from the one before.
    held = [f"{decoder.name}:image:0", *_drawn(function)]

    @tf.function(autograph=False, reduce_retracing=True)
    def decoding(*element: Any) -> Any:
        outputs = (decoder.input[0], *held)
        return inlining.part(pipeline, name, (*element, *captured), {}, outputs)

    @tf.function(autograph=False, reduce_retracing=True)
    def rest(values: Any, *element: Any) -> Any:
        given = dict(zip(held, values, strict=True))
        arguments = (*element, *captured)
        return inlining.part(pipeline, name, arguments, given, function.returned)

    return decoding, rest


def _part(
    decoding: Callable[..., Any],
    rest: Callable[..., Any],
    element: list[Any],
    has_time: Callable[[], bool],
) -> float | None:
    """The part of an element's picture; None if nothing depends on it."""
    encoded, decoded, *drawn = decoding(*element)
    picture: Pixels = decoded.numpy()
    if not encoded.numpy().startswith(_JPEG) or picture.ndim != 3 or not picture.size:
        return 1.0
    given = _bytes_of(rest([decoded, *drawn], *element))
    # One that no function is symmetric to, and one that changes what is largest or least.
    noise = np.random.default_rng(0).integers(1, 256, picture.shape, np.uint8)
    others = (picture ^ noise, np.full_like(picture, 128))

    def matter(*outside: tuple[slice, ...]) -> bool:
        """Whether pixels do."""
        for other in others:
            if not has_time():
                raise time_limits.TooSlowError
            changed = picture.copy()
            for each in outside:
                changed[each] = other[each]
            if given != _bytes_of(rest([tf.constant(changed), *drawn], *element)):
                return True
        return False

    everything = slice(None)
    if not matter((everything,)):
        return None
    height, width = picture.shape[:2]
    sides: list[tuple[int, Callable[[int], bool]]] = [
        (height, lambda count: matter((slice(count),))),
        (height, lambda count: matter((slice(height - count, None),))),
        (width, lambda count: matter((everything, slice(count)))),
        (width, lambda count: matter((everything, slice(width - count, None)))),
    ]
    if all(needs(-(-size // _STRIP)) for size, needs in sides):
        return 1.0
    top, bottom, left, right = (_free(size, needs) for size, needs in sides)
    outside = (
        (slice(top),),
        (slice(height - bottom, None),),
        (everything, slice(left)),
        (everything, slice(width - right, None)),
    )
    if matter(*outside):
        return 1.0
    return (height - top - bottom) * (width - left - right) / (height * width)


def _drawn(function: Definition) -> list[str]:
    """The random numbers of a function."""
    return [
        f"{each.name}:{op_def_registry.get(each.op).output_arg[0].name}:0"
        for each in function.nodes
        if each.op in traits.DRAWING
    ]


def _bytes_of(tensors: Sequence[tf.Tensor]) -> list[Any]:
    """What tells some tensors from others."""
    return [
        each.numpy().tobytes() if each.dtype != tf.string else np.array(each).tolist()
        for each in tensors
    ]


def _free(size: int, needs: Callable[[int], bool]) -> int:
    """How many rows or columns from a side do not matter, to a part of the side."""
    free, needed = 0, size
    while needed - free > max(1, size // _STEPS):
        middle = (free + needed) // 2
        if needs(middle):
            needed = middle
        else:
            free = middle
    return free
