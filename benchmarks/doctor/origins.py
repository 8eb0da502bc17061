"""Which line of the user's code made each stage of a pipeline."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from types import FrameType

import tensorflow as tf
from tensorflow.python.data.ops import dataset_ops

from benchmarks.doctor.graphs import Pipeline

_ORIGIN = "_dotmotion_origin"
_FOREIGN = tuple(
    f"{os.sep}{name}{os.sep}"
    for name in ("tensorflow", "keras", "tensorflow_datasets", "autograph")
)


@contextlib.contextmanager
def recorded() -> Iterator[None]:
    """Has every dataset that is made meanwhile remember the line that made it."""
    base = dataset_ops.DatasetV2
    original = base.__init__

    def init(self: tf.data.Dataset, variant_tensor: tf.Tensor) -> None:
        original(self, variant_tensor)
        setattr(self, _ORIGIN, _line())

    base.__init__ = init
    try:
        yield
    finally:
        base.__init__ = original


def of(dataset: tf.data.Dataset, pipeline: Pipeline) -> dict[str, str]:
    """The lines of a pipeline's stages, such as "input.py:31", by tag.

    Args:
      dataset: made while lines were `recorded`.
      pipeline: read from it. Its stages and the objects of the dataset are walked side by
        side; where both differ, lines further up are not known.
    """
    nodes = {node.tag: node for node in pipeline.nodes}
    found: dict[str, str] = {}
    stack = [(dataset, pipeline.nodes[-1].tag)]
    while stack:
        made, tag = stack.pop()
        # Wrappers of old interfaces have no dataset of their own.
        while hasattr(made, "_dataset") and isinstance(made._dataset, tf.data.Dataset):
            made = made._dataset
        line = getattr(made, _ORIGIN, "")
        if line:
            found[tag] = line
        inputs, tags = made._inputs(), nodes[tag].inputs
        if len(inputs) == len(tags):
            stack += zip(inputs, tags, strict=True)
    return found


def _line() -> str:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if not any(name in path for name in _FOREIGN) and not path.startswith("<"):
            return f"{os.path.basename(path)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
