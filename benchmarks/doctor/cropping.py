"""Pictures that a map decodes whole, to keep a part of each.

JPEG can be decoded in part (`tf.image.decode_and_crop_jpeg`), with equal pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.doctor import definitions, inlining, operations, time_limits, timing
from benchmarks.doctor.definitions import Definition
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import View

_DECODERS = ("DecodeImage", "DecodeJpeg")
_JPEG = b"\xff\xd8"
# What gives each pixel from the same one, so that it could be done after a crop as well.
_BY_PIXEL = (
    *("AddV2", "Cast", "Identity", "Maximum", "Minimum", "Mul", "Neg", "RealDiv", "Relu"),
    *("Round", "Sqrt", "Square", "Sub", "Tanh"),
    # As `tf.image.crop_to_bounding_box` does before it cuts.
    *("ExpandDims", "Squeeze"),
)
_SIZES = ("Rank", "Shape", "ShapeN", "Size")
_SOME = 4


def kept_part(view: View, node: Node, kept: Mapping[str, tf.data.Dataset]) -> float | None:
    """Which part of the pixels that a map decodes it keeps, from 0 to 1.

    Args:
      view: the pipeline.
      node: the map.
      kept: elements of each stage, by tag.

    Returns:
      The part, 1 for what is no JPEG; None if it does not decode and then crop, or does
      more with the picture.
    """
    if node.op not in operations.MAPS:
        return None
    source = view.source_of(node)
    tensors = _decoded_and_cropped(view.pipeline, node)
    if tensors is None or source is None or source.tag not in kept:
        return None
    try:
        parts = [
            _part(view.pipeline, node, element, tensors)
            for element in itertools.islice(timing.one_pass(kept[source.tag]), _SOME)
        ]
    except (
        *(GraphError, KeyError, ValueError),
        *(tf.errors.OpError, time_limits.TooSlowError),
    ):
        return None
    return sum(parts) / len(parts) if parts else None


def _part(
    pipeline: Pipeline, node: Node, element: list[Any], tensors: tuple[str, str, str]
) -> float:
    """Pixels of the crop over pixels of the picture; 1 if that is no JPEG."""
    values = inlining.captured(pipeline, node)
    name = node.functions[0]

    @tf.function(autograph=False)
    def of_element() -> Any:
        return inlining.call(pipeline, name, element, values, tensors)

    encoded, decoded, cropped = of_element.get_concrete_function()()
    if not encoded.numpy().startswith(_JPEG):
        return 1.0
    # Of rows and columns: a channel that is left out has to be decoded all the same.
    pixels = [float(np.prod(each.shape[-3:-1])) for each in (cropped, decoded)]
    return pixels[0] / max(pixels[1], 1.0)


def _decoded_and_cropped(pipeline: Pipeline, node: Node) -> tuple[str, str, str] | None:
    """In a map's function: what is decoded, the picture, and the crop of it."""
    function = definitions.of(pipeline, node)
    if function is None or not inlining.is_callable(pipeline, node):
        return None
    for decoder in function.nodes:
        if decoder.op in _DECODERS:
            crop = _crop(function, decoder.name)
            if crop is not None:
                return decoder.input[0], f"{decoder.name}:image:0", f"{crop}:output:0"
    return None


def _crop(function: Definition, decoder: str) -> str | None:
    """Name of what cuts a part out of a picture; None if all of it is used as well.

    On the way there each pixel depends on the one that was decoded and on nothing else of
    the picture, such as its mean.
    """
    of_picture = function.dependent_on([decoder])
    returned = {function.maker(value) for value in function.returned}
    crops: list[str] = []
    pictures, unseen = {decoder}, [decoder]
    while unseen:
        picture = unseen.pop()
        if picture in returned:
            return None
        for each in function.nodes:
            givers = function.givers(each)
            if picture not in givers or each.op in _SIZES:
                continue
            if givers[0] == picture and (each.op == "Slice" or _cuts_sides(each)):
                crops.append(each.name)
            elif each.op in _BY_PIXEL and sum(name in of_picture for name in givers) == 1:
                if each.name not in pictures:
                    pictures.add(each.name)
                    unseen.append(each.name)
            else:
                return None
    return crops[0] if len(crops) == 1 else None


def _cuts_sides(node: Any) -> bool:
    """Whether rows or columns are left out, and no channels or single rows taken."""
    if node.op != "StridedSlice":
        return False
    masks = {
        name: node.attr[f"{name}_mask"].i
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    if masks["ellipsis"] or masks["new_axis"] or masks["shrink_axis"]:
        return False
    of_sides = 0b11
    return masks["begin"] & masks["end"] & of_sides != of_sides
