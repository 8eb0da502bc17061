"""Functions of single elements, called with whole batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from benchmarks.doctor import (
    addressing,
    building,
    converters,
    graphs,
    inlining,
    numbering,
    operations,
    reordering,
)
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite

UNBATCH, FLAT_MAP = "UnbatchDataset", "FlatMapDataset"


def taken(
    pipeline: Pipeline, rewrite: Rewrite, feed: tf.data.Dataset | None = None
) -> tf.data.Dataset:
    """Batches that the functions of some stages can take.

    Args:
      pipeline: where the stages are.
      rewrite: which stages: the last makes batches, and those before it are maps, what
        hands elements on, and perhaps what takes batches apart or makes small ones, or
        what makes rows of arrays or numbers.
      feed: elements to take instead of those that come before the stages.

    Returns:
      The batches. Those of rows or numbers are given as which of them they are, or only as
      the place of the first, if they follow each other in even steps.

    Raises:
      GraphError: if another change has put other stages between them.
      KeyError: if one of them is gone.
    """
    stages = _in_order(pipeline, rewrite.tags)
    first, *_, batch = stages
    size, drop = _size(pipeline, batch)
    movers = _movers(stages)
    rows, course = _addressed(pipeline, stages)
    if course is not None:
        return course.starts(size, drop_remainder=drop)
    if rows is not None:
        numbers = tf.data.Dataset.range(rows.count)
        return reordering.behind(numbers, pipeline, movers).batch(size, drop)
    before = building.build(pipeline, first.inputs[0]) if feed is None else feed
    if first.op == FLAT_MAP:
        before = _whole(pipeline, first, before)
    before = reordering.behind(before, pipeline, movers)
    if first.op in (UNBATCH, FLAT_MAP):
        return _rebatched(before, size, drop_remainder=drop)
    return before.batch(size, drop_remainder=drop)


def mapped(
    pipeline: Pipeline, rewrite: Rewrite, batches: tf.data.Dataset
) -> tf.data.Dataset:
    """What the functions of some stages make of whole batches.

    Args:
      pipeline: where the stages are.
      rewrite: which stages, and how many batches to work on at once.
      batches: of `taken`.

    Raises:
      GraphError: if a function has operations that can't work on a batch.
    """
    stages = _in_order(pipeline, rewrite.tags)
    first, *_, batch = stages
    rows, course = _addressed(pipeline, stages)
    maps = [node for node in stages if node.op in operations.MAPS]
    captured = [inlining.captured(pipeline, node) for node in maps]
    size, drop = _size(pipeline, batch)
    small = _size(pipeline, first)[0] if first.op in operations.BATCHES else 0

    def one(*element: Any) -> tuple[Any, ...]:
        tensors = list(tf.nest.flatten(element))
        for node, values in zip(maps, captured, strict=True):
            tensors = inlining.call(pipeline, node.functions[0], tensors, values)
        return tuple(tensors)

    def many(*element: Any) -> Any:
        if course is not None:
            (start,) = element
            element = (course.batch(start, size, drop_remainder=drop),)
        if rows is not None:
            element = rows.at(*element)
        if not maps:
            return element
        if small:
            element = tf.nest.map_structure(lambda each: _in_groups(each, small), element)
        with converters.added():
            made = tf.vectorized_map(
                lambda each: one(*each), element, fallback_to_while_loop=False
            )
        if not small:
            return made
        return tf.nest.map_structure(lambda each: _joined(each, small), made)

    logger = tf.get_logger()
    level = logger.level
    # What can't be converted is reported at length.
    logger.setLevel("FATAL")
    try:
        made = batches.map(many, rewrite.arguments["num_parallel_calls"])
    except Exception as error:
        # Converters of operations raise all kinds of errors.
        raise GraphError(graphs.first_line(error)) from None
    finally:
        logger.setLevel(level)
    return _as_spec(made, pipeline.spec(batch.tag))


def _in_order(pipeline: Pipeline, tags: Sequence[str]) -> list[Node]:
    """Stages as they follow each other now: another change may have exchanged some."""
    wanted = set(tags)
    stages = [pipeline.node(tags[-1])]
    while len(stages[0].inputs) == 1 and stages[0].inputs[0] in wanted:
        stages.insert(0, pipeline.node(stages[0].inputs[0]))
    if len(stages) != len(tags):
        raise GraphError("there are other stages between those to change")
    return stages


def _size(pipeline: Pipeline, batch: Node) -> tuple[int, bool]:
    """How many elements a stage batches, and whether it leaves out a smaller last batch."""
    return (
        int(pipeline.constant(batch.tag, "batch_size")),
        bool(pipeline.constant(batch.tag, "drop_remainder")),
    )


def _movers(stages: Sequence[Node]) -> list[Node]:
    """Those that hand elements on."""
    return [node for node in stages if node.op in reordering.CALLS]


def _addressed(
    pipeline: Pipeline, stages: Sequence[Node]
) -> tuple[addressing.Rows | addressing.Range | None, numbering.Course | None]:
    """What the first of some stages make of numbers, and in which order these come.

    None each if they make none, or in none that can be told.
    """
    makers = [
        node
        for node in stages[:-1]
        if node.op not in (*operations.MAPS, *reordering.CALLS, *operations.BATCHES)
    ]
    rows = addressing.of(pipeline, makers[-1]) if makers else None
    if rows is None:
        return None, None
    return rows, numbering.course(rows.count, pipeline, _movers(stages))


def _whole(pipeline: Pipeline, node: Node, before: tf.data.Dataset) -> tf.data.Dataset:
    """What a flat map makes slices of, as elements."""
    values = inlining.captured(pipeline, node)
    outputs = inlining.sliced(pipeline, node)
    spec = pipeline.spec(node.tag)

    def whole(*element: Any) -> Any:
        tensors = inlining.call(
            pipeline, node.functions[0], tf.nest.flatten(element), values, outputs
        )
        return tf.nest.pack_sequence_as(spec, tensors)

    # A whole tensor may be large: what the runtime makes of a map has a budget of memory.
    return before.map(whole)


def _rebatched(
    batches: tf.data.Dataset, size: int, *, drop_remainder: bool
) -> tf.data.Dataset:
    """What `rebatch` makes of batches, without the map that it puts in front.

    The map makes tensors of all that is sparse or ragged, and is there for `unbatch` too.
    """
    rows = tf.TensorShape([size if drop_remainder else None])
    spec = tf.nest.map_structure(
        lambda each: tf.TensorSpec(rows.concatenate(each.shape[1:]), each.dtype),
        batches.element_spec,
    )
    flat = tf.nest.flatten(spec)
    variant = tf.raw_ops.RebatchDatasetV2(
        input_dataset=batches._variant_tensor,
        batch_sizes=tf.constant(size, tf.int64),
        drop_remainder=drop_remainder,
        output_types=[each.dtype for each in flat],
        output_shapes=[each.shape for each in flat],
    )
    return building.of_variant(variant, spec, batches)


def _in_groups(batch: tf.Tensor, rows: int) -> tf.Tensor:
    """A batch as the small batches that it is made of."""
    return tf.reshape(batch, [-1, rows, *batch.shape[1:]])


def _joined(groups: tf.Tensor, rows: int) -> tf.Tensor:
    """The batch that small batches are when they are taken apart.

    Raises:
      GraphError: if their function gives more or fewer rows than it takes, or may do.
    """
    if groups.shape.rank is None or groups.shape.rank < 2 or groups.shape[1] != rows:
        raise GraphError(f"{groups.shape} instead of (groups, {rows}, ...)")
    return tf.reshape(groups, tf.concat([[-1], tf.shape(groups)[2:]], 0))


def _as_spec(dataset: tf.data.Dataset, spec: Any) -> tf.data.Dataset:
    """Fails unless the flat tensors have the same types as they had."""
    new = [each.dtype for each in tf.nest.flatten(dataset.element_spec)]
    old = [each.dtype for each in tf.nest.flatten(spec, expand_composites=True)]
    if new != old:
        raise GraphError(f"elements of {new} instead of {old}")
    return dataset
