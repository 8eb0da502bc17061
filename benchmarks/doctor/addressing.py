"""Elements that can be made from their numbers: of ranges, rows of arrays, and windows.

Of `range`, `from_tensor_slices`, and of `window` with a `flat_map` that makes a batch of
each window of such rows. TensorFlow makes a tensor of each number or row, or a dataset of
each window; a batch of numbers and one `tf.gather` give the same rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from benchmarks.doctor import definitions, graphs, operations
from benchmarks.doctor.graphs import Node, Pipeline

_RANGE, _SLICES = "RangeDataset", "TensorSliceDataset"
_WINDOW, _FLAT_MAP = "WindowDataset", "FlatMapDataset"
# The most numbers to which the size of a batch can be added within int64.
MOST = 1 << 62


@dataclasses.dataclass(frozen=True)
class Window:
    """Windows of some rows.

    Attributes:
      size: rows of one.
      shift: rows from the first of one to the first of the next.
      stride: rows from one to the next of a window.
      components: numbers of the components of rows that those of windows are made of.
    """

    size: int
    shift: int
    stride: int
    components: tuple[int, ...]

    @property
    def span(self) -> int:
        """Rows from the first to the last of a window, both counted."""
        return (self.size - 1) * self.stride + 1


@dataclasses.dataclass(frozen=True)
class Rows:
    """Stages of a pipeline whose elements are rows of arrays, or windows of these rows.

    Attributes:
      stages: which, in pipeline order.
      arrays: tensors of shape (rows, ...), one for each component of a row.
      window: which windows are made of the rows; None if the elements are rows.
    """

    stages: tuple[Node, ...]
    arrays: tuple[tf.Tensor, ...]
    window: Window | None = None

    @property
    def count(self) -> int:
        """How many elements there are."""
        rows = int(self.arrays[0].shape[0])
        if self.window is None:
            return rows
        return max(0, (rows - self.window.span) // self.window.shift + 1)

    def at(self, numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Elements, one for each of a vector of numbers."""
        if self.window is None:
            return tuple(tf.gather(array, numbers) for array in self.arrays)
        return tuple(
            windows_of(self.arrays[component], self.window, numbers)
            for component in self.window.components
        )


@dataclasses.dataclass(frozen=True)
class Range:
    """A stage of a pipeline whose elements are numbers.

    Attributes:
      stages: that one.
      numbers: which; there may be more than fit into memory.
      dtype: of the elements.
    """

    stages: tuple[Node, ...]
    numbers: range
    dtype: tf.DType

    @property
    def count(self) -> int:
        """How many elements there are."""
        start, stop, step = self.numbers.start, self.numbers.stop, self.numbers.step
        return max(0, -((start - stop) // step))

    def at(self, numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Elements, one for each of a vector of numbers."""
        return (tf.cast(self.numbers.start + self.numbers.step * numbers, self.dtype),)


def of(pipeline: Pipeline, last: Node) -> Rows | Range | None:
    """The numbers, rows or windows that a stage gives; None if it gives anything else.

    Args:
      pipeline: where the stage is.
      last: the stage.
    """
    if last.op == _RANGE:
        return _range(pipeline, last)
    if last.op == _SLICES:
        return _slices(pipeline, last)
    window = window_of(pipeline, last)
    if window is None:
        return None
    windows = pipeline.node(last.inputs[0])
    rows = of(pipeline, pipeline.node(windows.inputs[0]))
    if not isinstance(rows, Rows) or rows.window is not None:
        return None
    return Rows((*rows.stages, windows, last), rows.arrays, window)


def _range(pipeline: Pipeline, node: Node) -> Range | None:
    values = [pipeline.constant(node.tag, name) for name in ("start", "stop", "step")]
    if any(each is None for each in values) or not values[-1]:
        return None
    (spec,) = tf.nest.flatten(pipeline.spec(node.tag))
    found = Range((node,), range(*map(int, values)), spec.dtype)
    return found if found.count <= MOST else None


def _slices(pipeline: Pipeline, node: Node) -> Rows | None:
    arrays = pipeline.constants_of(node.tag, "components")
    if not arrays or any(each.dtype in (tf.variant, tf.resource) for each in arrays):
        return None
    return Rows((node,), tuple(arrays))


def window_of(pipeline: Pipeline, last: Node) -> Window | None:
    """The windows that a flat map makes a tensor of each of; None if it does anything else.

    Args:
      pipeline: where the stage is.
      last: the flat map.
    """
    source = pipeline.node(last.inputs[0]) if len(last.inputs) == 1 else None
    if last.op != _FLAT_MAP or source is None or source.op != _WINDOW:
        return None
    size, shift, stride, drop = (
        pipeline.constant(source.tag, name)
        for name in ("size", "shift", "stride", "drop_remainder")
    )
    if size is None or shift is None or stride is None or drop is None:
        return None
    components = _batched_whole(pipeline, last, int(size), drops_rest=bool(drop))
    if not components:
        return None
    return Window(int(size), int(shift), int(stride), tuple(components))


def _batched_whole(
    pipeline: Pipeline, node: Node, size: int, *, drops_rest: bool
) -> list[int] | None:
    """The components whose windows a function makes batches of, and does nothing else.

    Args:
      pipeline: where the dataset is.
      node: whose function takes windows.
      size: of the windows.
      drops_rest: whether all windows have that size; else the batches have to drop others.
    """
    function = definitions.of(pipeline, node)
    if function is None or len(function.returned) != 1:
        return None
    result = function.handed_on(function.returned[0])
    made = function.producer(result)
    is_zip = made is not None and made.op == "ZipDataset"
    names = [function.handed_on(name) for name in made.input] if is_zip else [result]
    components = []
    for name in names:
        batch = function.producer(name)
        if batch is None or batch.op not in operations.BATCHES:
            return None
        given = dict(_single(batch))
        drop = function.constant(given["drop_remainder"])
        is_whole = function.constant(given["batch_size"]) == size and (drops_rest or drop)
        argument = function.argument(given["input_dataset"])
        if drop is None or not is_whole or argument is None:
            return None
        components.append(argument)
    # What is checked or done besides would be done no more.
    datasets = sum("Dataset" in each.op for each in function.nodes)
    has_more = datasets != len(names) + is_zip or function.has_side_effects
    return None if has_more else components


def _single(node: Any) -> Iterator[tuple[str, str]]:
    """The arguments of a node that have one value."""
    for name, values in graphs.arguments(node).items():
        if len(values) == 1:
            yield name, values[0]


def windows_of(array: tf.Tensor, window: Window, numbers: tf.Tensor) -> tf.Tensor:
    """Windows of the rows of an array.

    Args:
      array: of shape (rows, ...).
      window: what they are like.
      numbers: int64, of shape (windows,): which ones.

    Returns:
      A tensor of shape (windows, size, ...).
    """
    # Blocks of rows that every window has whole are copied at once. To leave out the rows
    # behind the last of them copies nothing.
    block = math.gcd(window.size, window.shift) if window.stride == 1 else 1
    count = tf.shape(array, out_type=tf.int64)[0] // block
    rest = array.shape[1:]
    blocks = tf.reshape(array[: count * block], tf.stack([count, block, *rest]))
    first = numbers[:, tf.newaxis] * (window.shift // block)
    within = tf.range(window.size // block, dtype=tf.int64) * window.stride
    found = tf.gather(blocks, first + within)
    return tf.reshape(found, [-1, window.size, *rest])
