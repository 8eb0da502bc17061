"""Rewrites that have functions work on whole batches instead of single elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from benchmarks.doctor import (
    addressing,
    building,
    inlining,
    operations,
    reordering,
    whole_batches,
)
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.reordering import REPEAT
from benchmarks.doctor.rewrites import Rewrite, View, is_plain, parallelism_for, where
from benchmarks.doctor.whole_batches import FLAT_MAP, UNBATCH

VECTORISE, REBATCH, GATHER = "vectorise", "rebatch", "gather rows"
# What calls functions with whole batches, in threads of their own.
CALLING = (VECTORISE, GATHER)
KINDS = (*CALLING, REBATCH)


def find(view: View) -> list[Rewrite]:
    """Maps before a batch, rows of arrays that are batched, and batches taken apart."""
    found: list[Rewrite] = []
    for node in view.nodes:
        size = None
        if node.op in operations.BATCHES:
            size = view.pipeline.constant(node.tag, "batch_size")
        if size is None:
            continue
        apart = _taken_apart(view, node)
        if apart:
            found += _vectorise_small_batches(view, node, apart)
            found += _rebatch(view, node, apart, int(size))
        else:
            found += _vectorise(view, node, int(size))
    return found


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change.

    Raises:
      GraphError: if a function has operations that can't work on a batch.
      KeyError: if one of the stages is gone.
    """
    made = whole_batches.taken(pipeline, rewrite)
    if rewrite.kind in CALLING:
        made = whole_batches.mapped(pipeline, rewrite, made)
    return building.substituted(pipeline, rewrite.tags[-1], made)


def _taken_apart(view: View, batch: Node) -> list[Node]:
    """What takes batches apart only for a batch to be made of their rows, if that is so.

    With it, what has these rows come again.
    """
    repeats: list[Node] = []
    taker, node = batch, view.source_of(batch)
    while node is not None and view.consumer(node.tag) is taker and node.op == REPEAT:
        repeats.insert(0, node)
        taker, node = node, view.source_of(node)
    return [node, *repeats] if node is not None and _takes_apart(view, node) else []


def _takes_apart(view: View, node: Node) -> bool:
    """Whether a stage does nothing but make elements of the rows of what it takes."""
    if node.op == UNBATCH:
        return True
    source = view.source_of(node)
    if node.op != FLAT_MAP or source is None:
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


def _vectorise(view: View, batch: Node, size: int) -> list[Rewrite]:
    """Maps, and what hands elements on between them, that could come behind the batch.

    Also without maps, if the elements are rows of arrays.
    """
    found: list[Rewrite] = []
    stages: list[Node] = []
    taker, node = batch, view.source_of(batch)
    while node is not None and view.consumer(node.tag) is taker and _can_wait(view, node):
        stages.insert(0, node)
        taker, node = node, view.source_of(node)
        if node is None or not is_batchable(view, node):
            continue
        if _has_maps(stages) and _only_repeats(stages) and _takes_apart(view, node):
            found.append(_vectorised(view, [node, *stages], batch, size))
        elif stages[0].op in operations.MAPS:
            found.append(_vectorised(view, stages, batch, size))
    if node is not None and view.consumer(node.tag) is taker:
        rows = addressing.of(view.pipeline, node)
        if isinstance(rows, addressing.Rows):
            found.append(_gathered(view, rows, stages, batch, size))
        elif rows is not None and _has_maps(stages):
            found.append(_vectorised(view, [*rows.stages, *stages], batch, size))
    # The longest first: it saves most, if it can be made.
    return found[::-1]


def _can_wait(view: View, node: Node) -> bool:
    """Whether batches can be made before a stage: a map, or what hands elements on."""
    return node.op in reordering.CALLS or (
        node.op in operations.MAPS and is_plain(view, node)
    )


def _has_maps(stages: Sequence[Node]) -> bool:
    return any(node.op in operations.MAPS for node in stages)


def _only_repeats(stages: Sequence[Node]) -> bool:
    """Whether what hands elements on can do so with whole batches."""
    return all(node.op in (*operations.MAPS, REPEAT) for node in stages)


def _vectorised(view: View, stages: Sequence[Node], batch: Node, size: int) -> Rewrite:
    maps = [node for node in stages if node.op in operations.MAPS]
    apart = stages[0] if stages[0].op in (UNBATCH, FLAT_MAP) else None
    first = f"{_moved(stages)}.batch({size})"
    if apart is not None:
        first = f"{_moved(stages)}{_rebatching(apart, size)}"
    return Rewrite(
        VECTORISE,
        (*(node.tag for node in stages), batch.tag),
        {"num_parallel_calls": _calls(view, batch)},
        _reason(maps, size),
        f"{first} first, and then .map() with a function of whole batches, such as "
        f"tf.vectorized_map({maps[-1].function or 'f'}, batch)",
    )


def _gathered(
    view: View, rows: addressing.Rows, stages: Sequence[Node], batch: Node, size: int
) -> Rewrite:
    """Rows of arrays, and what is done with them, from batches of their numbers."""
    maps = [node for node in stages if node.op in operations.MAPS]
    what = "rows of arrays" if rows.window is None else "windows of the rows of arrays"
    names = ", ".join(where(node) for node in rows.stages)
    reason = f"{names} makes an element of each of the {what}, to batch them"
    function = "tf.gather(array, numbers)"
    if rows.window is not None:
        function = (
            f"tf.gather(array, {rows.window.shift} * numbers[:, None] + "
            f"{_range(rows.window)})"
        )
    if maps:
        reason = f"{reason}, and {_reason(maps, size)}"
        function = f"tf.vectorized_map({maps[-1].function or 'f'}, {function})"
    return Rewrite(
        VECTORISE if maps else GATHER,
        (*(node.tag for node in (*rows.stages, *stages)), batch.tag),
        {"num_parallel_calls": _calls(view, batch)},
        reason,
        f"tf.data.Dataset.range({rows.count}){_moved(stages)}.batch({size}) of row "
        f"numbers, and then .map(lambda numbers: {function})",
    )


def _range(window: addressing.Window) -> str:
    """The numbers of a window's rows, from its first, in Python."""
    if window.stride == 1:
        return f"tf.range({window.size}, dtype=tf.int64)"
    return f"tf.range(0, {window.span}, {window.stride}, dtype=tf.int64)"


def _reason(maps: Sequence[Node], size: int) -> str:
    names = ", ".join(where(node) for node in maps)
    return f"{names} is called for each element, and once for {size} of them would do"


def _moved(stages: Sequence[Node]) -> str:
    """What hands elements on, in Python."""
    calls = (reordering.CALLS[node.op] for node in stages if node.op in reordering.CALLS)
    return "".join(f".{call}(...)" for call in calls)


def _vectorise_small_batches(
    view: View, batch: Node, apart: Sequence[Node]
) -> list[Rewrite]:
    """Maps of small batches that are taken apart only to make larger ones."""
    maps: list[Node] = []
    taker = apart[0]
    node = view.source_of(taker)
    while node is not None and node.op in operations.MAPS and is_plain(view, node):
        if view.consumer(node.tag) is not taker:
            return []
        maps.insert(0, node)
        taker, node = node, view.source_of(node)
    if (
        apart[0].op != UNBATCH
        or not maps
        or node is None
        or node.op not in operations.BATCHES
    ):
        return []
    source = view.source_of(node)
    rows, size = (view.pipeline.constant(each.tag, "batch_size") for each in (node, batch))
    if source is None or rows is None or size is None or not is_batchable(view, source):
        return []
    rows, size = int(rows), int(size)
    if size <= rows or size % rows or not _fills(view, source, rows):
        return []
    names = ", ".join(where(each) for each in maps)
    return [
        Rewrite(
            VECTORISE,
            (node.tag, *(each.tag for each in (*maps, *apart)), batch.tag),
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


def is_batchable(view: View, node: Node) -> bool:
    """Whether a stage's elements are dense tensors that all have the same shapes."""
    spec = tf.nest.flatten(view.pipeline.spec(node.tag), expand_composites=True)
    return all(
        each.shape.is_fully_defined() and each.dtype not in (tf.variant, tf.resource)
        for each in spec
    )


def _rebatch(view: View, batch: Node, apart: Sequence[Node], size: int) -> list[Rewrite]:
    unbatch = apart[0]
    spec = tf.nest.flatten(view.pipeline.spec(unbatch.tag), expand_composites=True)
    # Rows of several shapes are an error of a batch, which it would not be of a rebatch.
    if not all(each.shape.is_fully_defined() for each in spec):
        return []
    call = ".unbatch()"
    if unbatch.op == FLAT_MAP:
        call = f".flat_map({unbatch.function or 'from_tensor_slices'})"
    moved = _moved(apart)
    return [
        Rewrite(
            REBATCH,
            (*(each.tag for each in apart), batch.tag),
            {},
            f"{where(unbatch)} makes elements of rows, one by one, to batch them anew",
            f"{moved}{_rebatching(unbatch, size)} instead of {call}{moved}.batch({size})",
        )
    ]


def _rebatching(apart: Node, size: int) -> str:
    """What to write instead of taking batches apart and making others."""
    if apart.op == UNBATCH:
        return f".rebatch({size})"
    return f".map(...) to what {apart.function or 'flat_map'} slices, and .rebatch({size})"
