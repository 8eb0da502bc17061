"""Rewrites that have functions work on whole batches instead of single elements."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.data.ops import dataset_ops

from benchmarks.doctor import building, converters, graphs, inlining
from benchmarks.doctor.graphs import GraphError, Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, is_plain, parallelism_for, where

VECTORISE, REBATCH = "vectorise", "rebatch"
KINDS = (VECTORISE, REBATCH)
_MAPS = ("MapDataset", "ParallelMapDatasetV2")
_UNBATCH, _FLAT_MAP = "UnbatchDataset", "FlatMapDataset"
_BATCHES = ("BatchDatasetV2", "ParallelBatchDataset")


def find(view: View) -> list[Rewrite]:
    """Maps before a batch, and batches that are taken apart to be batched anew."""
    found: list[Rewrite] = []
    for node in view.nodes:
        if node.op not in _BATCHES:
            continue
        unbatch = view.source_of(node)
        if unbatch is not None and _takes_apart(view, unbatch):
            if unbatch.op == _UNBATCH:
                found += _vectorise_small_batches(view, node, unbatch)
            found += _rebatch(view, node, unbatch)
        else:
            found += _vectorise(view, node)
    return found


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if a function has operations that can't work on a batch.
    """
    if rewrite.kind == REBATCH:
        return _apply_rebatch(pipeline, rewrite)
    first, *_, batch = (pipeline.node(tag) for tag in rewrite.tags)
    mapped = of_batches(pipeline, rewrite, in_batches(pipeline, first, batch))
    return building.substituted(pipeline, batch.tag, mapped)


def of_batches(
    pipeline: Pipeline, rewrite: Rewrite, batches: tf.data.Dataset
) -> tf.data.Dataset:
    """The functions of a chain that was vectorised, called with whole batches.

    Args:
      pipeline: where the chain is.
      rewrite: of kind "vectorise".
      batches: of `in_batches`.

    Raises:
      GraphError: if a function has operations that can't work on a batch.
    """
    *stages, batch = (pipeline.node(tag) for tag in rewrite.tags)
    maps = [node for node in stages if node.op in _MAPS]
    rows = 0
    if stages[0].op in _BATCHES:
        rows = int(pipeline.constant(stages[0].tag, "batch_size"))

    captured = [inlining.captured(pipeline, node) for node in maps]

    def one(*element: Any) -> tuple[Any, ...]:
        tensors = list(tf.nest.flatten(element))
        for node, values in zip(maps, captured, strict=True):
            tensors = inlining.call(pipeline, node.functions[0], tensors, values)
        return tuple(tensors)

    def many(*element: Any) -> Any:
        if rows:
            element = tf.nest.map_structure(lambda each: _in_groups(each, rows), element)
        with converters.added():
            made = tf.vectorized_map(
                lambda each: one(*each), element, fallback_to_while_loop=False
            )
        return (
            tf.nest.map_structure(lambda each: _joined(each, rows), made) if rows else made
        )

    logger = tf.get_logger()
    level = logger.level
    # What can't be converted is reported at length.
    logger.setLevel("FATAL")
    try:
        mapped = batches.map(
            many, num_parallel_calls=rewrite.arguments["num_parallel_calls"]
        )
    except Exception as error:
        # Converters of operations raise all kinds of errors.
        raise GraphError(graphs.first_line(error)) from None
    finally:
        logger.setLevel(level)
    return _as_spec(mapped, pipeline.spec(batch.tag))


def in_batches(
    pipeline: Pipeline, first: Node, batch: Node, feed: tf.data.Dataset | None = None
) -> tf.data.Dataset:
    """What the functions of a vectorised chain take.

    Args:
      pipeline: where the chain is.
      first: of its stages: a map, or what takes batches apart or makes small ones before
        one.
      batch: the last.
      feed: elements to take instead of those that come before.
    """
    before = building.build(pipeline, first.inputs[0]) if feed is None else feed
    size = int(pipeline.constant(batch.tag, "batch_size"))
    drop = bool(pipeline.constant(batch.tag, "drop_remainder"))
    if first.op == _UNBATCH:
        return _rebatched(before, size, drop_remainder=drop)
    if first.op == _FLAT_MAP:
        return _rebatched(_whole(pipeline, first, before), size, drop_remainder=drop)
    return before.batch(size, drop_remainder=drop)


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
    dataset = dataset_ops._VariantDataset(variant, spec)
    dataset._dotmotion_kept = batches
    return dataset


def _takes_apart(view: View, node: Node) -> bool:
    """Whether a stage does nothing but make elements of the rows of what it takes."""
    if node.op == _UNBATCH:
        return True
    source = view.source_of(node)
    if node.op != _FLAT_MAP or source is None:
        return False
    kind, pipeline = view.traits(node), view.pipeline
    return (
        not (kind.is_stateful or kind.is_python)
        and inlining.sliced(pipeline, node) is not None
        and inlining.is_callable(pipeline, node)
        and all(_is_dense(pipeline.spec(each.tag)) for each in (source, node))
    )


def _is_dense(spec: Any) -> bool:
    return all(
        isinstance(each, tf.TensorSpec) and each.dtype not in (tf.variant, tf.resource)
        for each in tf.nest.flatten(spec)
    )


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


def _vectorise(view: View, batch: Node) -> list[Rewrite]:
    maps: list[Node] = []
    node = view.source_of(batch)
    found: list[Rewrite] = []
    while node is not None and node.op in _MAPS and is_plain(view, node):
        maps.insert(0, node)
        node = view.source_of(node)
        if node is not None and _is_batchable(view, node):
            names = ", ".join(where(each) for each in maps)
            size = view.pipeline.constant(batch.tag, "batch_size")
            if size is None or view.consumer(maps[-1].tag) is not batch:
                break
            apart = (node.tag,) if _takes_apart(view, node) else ()
            first = f".batch({int(size)})"
            if apart:
                first = _rebatching(node, int(size))
            found.append(
                Rewrite(
                    VECTORISE,
                    (*apart, *(each.tag for each in maps), batch.tag),
                    {"num_parallel_calls": _calls(view, batch)},
                    f"{names} is called for each element, and once for {int(size)} of "
                    "them would do",
                    f"{first} first, and then .map() with a function of whole batches, "
                    "such as "
                    f"tf.vectorized_map({maps[-1].function or 'f'}, batch)",
                )
            )
    # The longest first: it saves most, if it can be made.
    return found[::-1]


def _vectorise_small_batches(view: View, batch: Node, unbatch: Node) -> list[Rewrite]:
    """Maps of small batches that are taken apart only to make larger ones."""
    maps: list[Node] = []
    node = view.source_of(unbatch)
    taker = unbatch
    while node is not None and node.op in _MAPS and is_plain(view, node):
        if view.consumer(node.tag) is not taker:
            return []
        maps.insert(0, node)
        taker, node = node, view.source_of(node)
    if not maps or node is None or node.op not in _BATCHES:
        return []
    source = view.source_of(node)
    rows, size = (view.pipeline.constant(each.tag, "batch_size") for each in (node, batch))
    if source is None or rows is None or size is None or not _is_batchable(view, source):
        return []
    rows, size = int(rows), int(size)
    if size <= rows or size % rows or not _fills(view, source, rows):
        return []
    names = ", ".join(where(each) for each in maps)
    return [
        Rewrite(
            VECTORISE,
            (node.tag, *(each.tag for each in maps), unbatch.tag, batch.tag),
            {"num_parallel_calls": _calls(view, batch)},
            f"{names} is called for {rows} elements, which are taken apart to make batches "
            f"of {size}, and once for all of these would do",
            f".batch({size}) instead of .batch({rows}), without .unbatch() and the batch "
            "behind it",
        )
    ]


def _fills(view: View, node: Node, rows: int) -> bool:
    """Whether a dataset ends only behind a whole batch, if ever."""
    count = view.cardinality(node.tag)
    return count == tf.data.INFINITE_CARDINALITY or (count > 0 and count % rows == 0)


def _calls(view: View, batch: Node) -> int:
    """As for a map of whole batches, of which one takes as long as the chain."""
    return parallelism_for(view.alone.get(batch.tag), view.cores)


def _is_batchable(view: View, node: Node) -> bool:
    spec = tf.nest.flatten(view.pipeline.spec(node.tag), expand_composites=True)
    return all(
        each.shape.is_fully_defined() and each.dtype not in (tf.variant, tf.resource)
        for each in spec
    )


def _rebatch(view: View, batch: Node, unbatch: Node) -> list[Rewrite]:
    size = view.pipeline.constant(batch.tag, "batch_size")
    spec = tf.nest.flatten(view.pipeline.spec(unbatch.tag), expand_composites=True)
    # Rows of several shapes are an error of a batch, which it would not be of a rebatch.
    if size is None or not all(each.shape.is_fully_defined() for each in spec):
        return []
    apart = ".unbatch()"
    if unbatch.op == _FLAT_MAP:
        apart = f".flat_map({unbatch.function or 'from_tensor_slices'})"
    return [
        Rewrite(
            REBATCH,
            (unbatch.tag, batch.tag),
            {},
            f"{where(unbatch)} makes elements of rows, one by one, to batch them anew",
            f"{_rebatching(unbatch, int(size))} instead of {apart}.batch({int(size)})",
        )
    ]


def _rebatching(apart: Node, size: int) -> str:
    """What to write instead of taking batches apart and making others."""
    if apart.op == _UNBATCH:
        return f".rebatch({size})"
    return f".map(...) to what {apart.function or 'flat_map'} slices, and .rebatch({size})"


def _apply_rebatch(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    unbatch, batch = (pipeline.node(tag) for tag in rewrite.tags)
    return building.substituted(pipeline, batch.tag, in_batches(pipeline, unbatch, batch))
