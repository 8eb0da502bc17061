"""Rewrites that have a stage work on several elements at once, in the same order."""

from __future__ import annotations

from typing import Any

from benchmarks.doctor import building, graph_edits, inlining, operations
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, parallelism_for, where

MAP, FILTER, INTERLEAVE = "parallel map", "parallel filter", "parallel interleave"
BATCH = "parallel batch"
KINDS = (MAP, FILTER, INTERLEAVE, BATCH)
_AUTOTUNE = -1
# What a reader may hold ready, in all.
_BUFFER_BYTES = 32 << 20
_FOREVER = (1 << 63) - 1


def find(view: View) -> list[Rewrite]:
    """The stages that could work on more elements at once than they are told to."""
    found = []
    for node in view.nodes:
        traits = view.traits(node)
        if traits.is_random and node.op in operations.MAPS:
            found += _random(view, node)
        if traits.is_stateful or traits.is_python or traits.is_generator:
            continue
        if node.op in operations.MAPS or node.op == "ParallelFilterDataset":
            found += _widened(view, node)
        elif node.op == "FilterDataset":
            found.append(_filter(view, node))
        elif node.op in ("InterleaveDataset", "FlatMapDataset"):
            found += _interleave(view, node) if traits.opens_datasets else []
        elif node.op == "ParallelInterleaveDatasetV4":
            found += _widened_interleave(view, node)
        elif node.op == "BatchDatasetV2":
            found.append(_batch(view, node))
    return found


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change."""
    (tag,) = rewrite.tags
    node = pipeline.node(tag)
    changed = graph_edits.edited(pipeline)
    calls = {"num_parallel_calls": rewrite.arguments["num_parallel_calls"]}
    if rewrite.kind == MAP and node.op == "MapDataset":
        attributes = {"deterministic": "default"}
        graph_edits.replace_op(changed, tag, "ParallelMapDatasetV2", calls, attributes)
    elif rewrite.kind == FILTER and node.op == "FilterDataset":
        return _mark_and_filter(pipeline, node, calls["num_parallel_calls"])
    elif rewrite.kind == BATCH:
        copying: dict[str, Any] = {"deterministic": "default", "parallel_copy": False}
        graph_edits.replace_op(changed, tag, "ParallelBatchDataset", calls, copying)
    elif rewrite.kind == INTERLEAVE and node.op != "ParallelInterleaveDatasetV4":
        arguments = {
            "buffer_output_elements": rewrite.arguments["buffer_output_elements"],
            "prefetch_input_elements": rewrite.arguments["prefetch_input_elements"],
            **calls,
        }
        if node.op == "FlatMapDataset":
            arguments |= {"cycle_length": 1, "block_length": 1}
        attributes = {"deterministic": "default"}
        graph_edits.replace_op(
            changed, tag, "ParallelInterleaveDatasetV4", arguments, attributes
        )
    else:
        for name, value in rewrite.arguments.items():
            graph_edits.set_argument(changed, tag, name, value)
    return changed


def _mark_and_filter(pipeline: Pipeline, node: Node, calls: int) -> Pipeline:
    """Has a parallel map call the predicate, and a filter look at its mark.

    The runtime's own ParallelFilterDataset can't be serialised (in TensorFlow 2.21 it
    leaves out an argument), and on two processors was slower: 1.35 times the sequential
    filter's rate instead of 1.7.
    """
    values = inlining.captured(pipeline, node)

    def marked(*element: Any) -> Any:
        return (*element, inlining.call(pipeline, node.functions[0], element, values)[0])

    before = building.build(pipeline, node.inputs[0])
    with_marks = before.map(marked, num_parallel_calls=calls)
    passing = with_marks.filter(lambda *element: element[-1], name=node.name)
    without = passing.map(lambda *element: element[:-1], num_parallel_calls=calls)
    return building.substituted(pipeline, node.tag, without)


def _widened(view: View, node: Node) -> list[Rewrite]:
    """A map or a parallel filter with another number of calls."""
    wanted = parallelism_for(view.alone.get(node.tag), view.cores)
    kind = MAP if node.op in operations.MAPS else FILTER
    if node.op == "MapDataset":
        reason = f"{where(node)} runs on one element at a time"
    else:
        given = view.pipeline.constant(node.tag, "num_parallel_calls")
        if given is None or int(given) >= wanted:
            return []
        reason = (
            f"{where(node)} finds its number of parallel calls by trial"
            if int(given) == _AUTOTUNE
            else f"{where(node)} works on {int(given)} elements at once, not {wanted}"
        )
    call = "map" if kind == MAP else "filter"
    edit = f".{call}({node.function or 'f'}, num_parallel_calls={wanted})"
    return [Rewrite(kind, (node.tag,), {"num_parallel_calls": wanted}, reason, edit)]


def _random(view: View, node: Node) -> list[Rewrite]:
    """A map that draws random numbers, which the runtime leaves to one thread."""
    if node.op != "MapDataset":
        given = view.pipeline.constant(node.tag, "num_parallel_calls")
        if given is None or int(given) != 1:
            return []
    wanted = parallelism_for(view.alone.get(node.tag), view.cores)
    return [
        Rewrite(
            MAP,
            (node.tag,),
            {"num_parallel_calls": wanted},
            f"{where(node)} runs on one element at a time, and the runtime leaves it so "
            "because it draws random numbers",
            f".map({node.function or 'f'}, num_parallel_calls={wanted}), and tf.random's "
            "stateless functions where runs have to be alike",
            alters="which element gets which random numbers",
        )
    ]


def _filter(view: View, node: Node) -> Rewrite:
    wanted = parallelism_for(view.alone.get(node.tag), view.cores)
    return Rewrite(
        FILTER,
        (node.tag,),
        {"num_parallel_calls": wanted},
        f"{where(node)} looks at one element at a time, and the runtime leaves filters so",
        f".map(lambda x: (x, {node.function or 'predicate'}(x)), "
        f"num_parallel_calls={wanted}).filter(lambda x, passes: passes)",
    )


def _interleave(view: View, node: Node) -> list[Rewrite]:
    alone = view.alone.get(node.tag)
    element_bytes = max(alone.bytes if alone is not None else 0.0, 64.0)
    calls, ahead = view.cores, view.cores
    if node.op == "FlatMapDataset":
        calls = 1
        how = f"cycle_length=1, num_parallel_calls={view.cores}"
    else:
        cycle = view.pipeline.constant(node.tag, "cycle_length")
        if cycle is None or int(cycle) < 1:
            return []
        calls = min(int(cycle), 8 * view.cores)
        how = f"cycle_length={int(cycle)}, num_parallel_calls={calls}"
    buffer = int(_BUFFER_BYTES / (calls + ahead) / element_bytes)
    return [
        Rewrite(
            INTERLEAVE,
            (node.tag,),
            {
                "num_parallel_calls": calls,
                "buffer_output_elements": max(2, min(buffer, 512)),
                "prefetch_input_elements": ahead,
            },
            f"{where(node)} reads one of its inputs at a time",
            f".interleave({node.function or 'open'}, {how}, deterministic=True)",
        )
    ]


def _widened_interleave(view: View, node: Node) -> list[Rewrite]:
    given = view.pipeline.constant(node.tag, "num_parallel_calls")
    cycle = view.pipeline.constant(node.tag, "cycle_length")
    if given is None or cycle is None or int(cycle) < 1:
        return []
    wanted = min(int(cycle), 8 * view.cores)
    if int(given) >= wanted or int(given) == _AUTOTUNE:
        return []
    return [
        Rewrite(
            INTERLEAVE,
            (node.tag,),
            {"num_parallel_calls": wanted},
            f"{where(node)} reads {int(given)} of its inputs at once, not {wanted}",
            f".interleave({node.function or 'open'}, num_parallel_calls={wanted})",
        )
    ]


def _batch(view: View, node: Node) -> Rewrite:
    return Rewrite(
        BATCH,
        (node.tag,),
        {"num_parallel_calls": view.cores},
        f"{where(node)} copies large elements in one thread",
        f".batch(..., num_parallel_calls={view.cores})",
    )
