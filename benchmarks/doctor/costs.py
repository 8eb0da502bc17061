"""From what stages cost alone to what they cost in a pipeline as it runs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.doctor import building, operations, traits
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.isolation import PASSING, Alone
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import View, options_of

_AUTOTUNE = -1
# Fewer say less of a ratio than a sample of single elements.
_LEAST_ELEMENTS = 16
_FOR_ALL, _CHOOSING = ("ZipDataset",), "DirectedInterleaveDataset"
# What takes one dataset's elements, and those of datasets that it makes of them.
_FLAT = ("FlatMap", "Interleave")
# Words of a name in the runtime's model, such as "ParallelMapV2".
_PLAIN = re.compile(r"Dataset|Parallel|V\d+$|Forever|Finite")


def elements(
    nodes: Sequence[Node],
    alone: Mapping[str, Alone],
    *,
    are_cached: bool,
    model: Any = None,
) -> dict[str, float]:
    """How many elements each dataset gives for one of the whole pipeline, by tag.

    Args:
      nodes: of the pipeline, in order.
      alone: what each costs.
      are_cached: whether caches are full, so that what is before them does nothing.
      model: of `tf.data.experimental.get_model_proto` after a run of the whole, for how
        often each of several branches was chosen; as often as the others without it.
    """
    chosen = chosen_parallelism(nodes, model)
    found = {node.tag: 0.0 for node in nodes}
    found[nodes[-1].tag] = 1.0
    for node in reversed(nodes):
        own = found[node.tag]
        if node.op in operations.CACHES and are_cached:
            continue
        ratio = alone[node.tag].inputs_per_output if node.tag in alone else 1.0
        for number, tag in enumerate(node.inputs):
            found[tag] += own * _part(node, number, ratio, chosen)
    return found


_OF_AUTHOR = object()


def with_ratios(
    nodes: Sequence[Node], alone: Mapping[str, Alone], model: Any
) -> dict[str, Alone]:
    """Costs with inputs per output as they were in a run of the whole pipeline.

    Few elements tell little of how many a filter lets through.

    Args:
      nodes: of the pipeline, in order.
      alone: what each costs.
      model: of `tf.data.experimental.get_model_proto`, or None.
    """
    chosen = chosen_parallelism(nodes, model)
    found = dict(alone)
    for node in nodes:
        if "Filter" not in node.op or node.tag not in alone:
            continue
        given = chosen.get(node.tag, {}).get("elements", 0.0)
        taken = chosen.get(node.inputs[0], {}).get("elements", 0.0)
        if given >= _LEAST_ELEMENTS and taken >= given:
            ratio = taken / given
            scale = ratio / alone[node.tag].inputs_per_output
            found[node.tag] = dataclasses.replace(
                alone[node.tag],
                element_s=alone[node.tag].element_s * scale,
                cpu_s=alone[node.tag].cpu_s * scale,
                inputs_per_output=ratio,
            )
    return found


def _part(
    node: Node, number: int, ratio: float, chosen: Mapping[str, Mapping[str, float]]
) -> float:
    """Elements of one of its inputs that a dataset takes for each that it gives."""
    if node.op in _FOR_ALL:
        return 1.0
    if node.op != _CHOOSING:
        return ratio / len(node.inputs)
    # The first input tells which of the others is next.
    if number == 0:
        return 1.0
    branches = node.inputs[1:]
    counts = [chosen[tag].get("elements", 0.0) for tag in branches if tag in chosen]
    # What the model does not have, or twice, can't be told.
    is_told = len(counts) == len(set(branches)) == len(branches)
    if is_told and sum(counts) >= _LEAST_ELEMENTS:
        return counts[number - 1] / sum(counts)
    return 1.0 / max(len(branches), 1)


def with_passes(pipeline: Pipeline, alone: Mapping[str, Alone]) -> dict[str, Alone]:
    """Costs with what is made in every pass and never handed on.

    That is what is skipped, and what is still in the buffer of a shuffle when a pass ends.
    """
    found = dict(alone)
    nodes = pipeline.nodes
    for node in nodes:
        if node.tag not in alone:
            continue
        ratio = 1.0
        if node.op == "SkipDataset":
            count = _cardinality(pipeline, node.inputs[0])
            skipped = pipeline.constant(node.tag, "count")
            if skipped is not None and 0 < int(skipped) < count:
                ratio = count / (count - int(skipped))
        elif node.op in operations.SHUFFLES:
            given = _given_in_a_pass(pipeline, nodes, node, alone)
            buffer = pipeline.constant(node.tag, "buffer_size")
            if given and buffer is not None and int(buffer) > 0:
                taken = given + int(buffer)
                count = _cardinality(pipeline, node.inputs[0])
                ratio = (min(taken, count) if count >= given else taken) / given
        if ratio > 1:
            found[node.tag] = dataclasses.replace(alone[node.tag], inputs_per_output=ratio)
    return found


def _given_in_a_pass(
    pipeline: Pipeline, nodes: Sequence[Node], node: Node, alone: Mapping[str, Alone]
) -> float:
    """How many elements a stage gives until the pipeline ends or repeats; 0 if unknown."""
    ratio, each = 1.0, node
    while True:
        takers = [other for other in nodes if each.tag in other.inputs]
        if not takers or "Repeat" in takers[0].op:
            return max(0.0, ratio * _cardinality(pipeline, each.tag))
        taker = takers[0]
        if len(takers) > 1 or len(taker.inputs) > 1 or taker.tag not in alone:
            return 0.0
        ratio *= alone[taker.tag].inputs_per_output
        each = taker


def _cardinality(pipeline: Pipeline, tag: str) -> int:
    """Elements of a dataset; negative if it has no end or that is not known."""
    return int(building.build(pipeline, tag).cardinality().numpy())


def scaled_to(costs: Sequence[Cost], cpu_s: float) -> list[Cost]:
    """Costs whose CPU time together is no more than was measured of the whole pipeline.

    A stage alone keeps threads busy that look for work in vain.
    """
    total = sum(cost.cpu_s for cost in costs)
    if not 0 < cpu_s < total:
        return list(costs)
    return [dataclasses.replace(cost, cpu_s=cost.cpu_s * cpu_s / total) for cost in costs]


def in_pipeline(view: View, model: Any = None, *, options: Any = _OF_AUTHOR) -> list[Cost]:
    """The costs of a pipeline as the runtime works on it.

    Args:
      view: the pipeline, with what its stages cost alone.
      model: of `tf.data.experimental.get_model_proto` after it has run, for what AUTOTUNE
        has chosen; the number of processors is taken without it.
      options: None for the runtime's default instead of those in the pipeline.
    """
    chosen = chosen_parallelism(view.nodes, model)
    is_tuned, threads = True, 0
    if options is not None:
        is_tuned = options_of(view).autotune.enabled is not False
        threads = pool_threads(view)
    found = []
    for node in view.nodes:
        alone = view.alone.get(node.tag)
        count = view.elements.get(node.tag, 0.0)
        kind = traits.of(view.pipeline, node)
        parallelism = _parallelism(view, node, chosen, is_tuned and not kind.is_stateful)
        if threads:
            parallelism = min(parallelism, threads)
        found.append(
            Cost(
                tag=node.tag,
                inputs=node.inputs,
                wall_s=0.0 if alone is None else alone.element_s * count,
                cpu_s=0.0 if alone is None else alone.cpu_s * count,
                parallelism=parallelism,
                has_lock=kind.is_python or kind.is_generator,
                is_server=node.op == "PrefetchDataset" or parallelism > 0,
            )
        )
    return found


def pool_threads(view: View) -> int:
    """Threads of the pipeline's own pool; 0 if it has none."""
    return options_of(view).threading.private_threadpool_size or 0


def chosen_parallelism(nodes: Sequence[Node], model: Any) -> dict[str, dict[str, float]]:
    """What the runtime's model says of each dataset, by tag.

    Args:
      nodes: of the pipeline, in order.
      model: of `tf.data.experimental.get_model_proto`, or None.

    Returns:
      The parameters of each dataset that was found in the model, such as 'parallelism' and
      'buffer_size', and 'buffered', the elements in its buffer.
    """
    if model is None or not model.nodes:
        return {}
    found: dict[str, dict[str, float]] = {}
    by_tag = {node.tag: node for node in nodes}
    branches = [(nodes[-1].tag, model.output)]
    while branches:
        branches += _matched(by_tag, *branches.pop(), model, found)
    return found


def _matched(
    by_tag: Mapping[str, Node],
    tag: str,
    key: int | None,
    model: Any,
    found: dict[str, dict[str, float]],
) -> list[tuple[str, int]]:
    """Finds datasets in the runtime's model, from one to where several are put together.

    Args:
      by_tag: the datasets.
      tag: of the last.
      key: of the model's node where to begin.
      model: of the runtime.
      found: what it says of those that are found is added.

    Returns:
      Where to go on, for each of several inputs.
    """
    while key is not None:
        node = by_tag[tag]
        at = _counterpart(node, key, model)
        if at is not None:
            runs = model.nodes[at]
            found[tag] = {
                **{each.name: each.value for each in runs.parameters},
                "buffered": float(runs.buffered_elements),
                "elements": float(runs.num_elements),
            }
            # A fused node serves two datasets.
            key = at if "And" in runs.name else next(iter(runs.inputs), None)
            if len(node.inputs) > 1 and len(runs.inputs) == len(node.inputs):
                return list(zip(node.inputs, runs.inputs, strict=True))
        if len(node.inputs) != 1:
            break
        (tag,) = node.inputs
    return []


def _counterpart(node: Node, key: int, model: Any) -> int | None:
    """The model's node of a dataset, from some node on; None if it has none.

    Fused or injected nodes have no counterpart.
    """
    plain = _PLAIN.sub("", node.op)
    ahead: int | None = key
    while ahead is not None and ahead in model.nodes:
        runs = model.nodes[ahead]
        name = _PLAIN.sub("", runs.name)
        if plain in name.split("And"):
            return ahead
        # The datasets of a function that makes some come behind the one that it is called
        # with elements of.
        is_one = len(runs.inputs) == 1 or name in _FLAT
        ahead = next(iter(runs.inputs), None) if is_one else None
    return None


def _parallelism(
    view: View, node: Node, chosen: Mapping[str, Mapping[str, float]], is_tuned: bool
) -> float:
    """Elements that a stage works on at once in threads of its own; 0 without such."""
    of_model = chosen.get(node.tag, {})
    if node.op in ("MapDataset", "BatchDatasetV2"):
        if not is_tuned:
            return 0.0
        if node.op == "MapDataset" and not of_model:
            return float(view.cores)
        return of_model.get("parallelism", 0.0)
    if not node.op.startswith("Parallel"):
        return 0.0
    given = _given(view.pipeline, node)
    if given == _AUTOTUNE:
        return max(1.0, of_model.get("parallelism", float(view.cores)))
    return float(max(given, 1))


def is_left_to_autotune(pipeline: Pipeline, node: Node) -> bool:
    """Whether the author of a parallel stage has AUTOTUNE find how many calls it makes."""
    return node.op.startswith("Parallel") and _given(pipeline, node) == _AUTOTUNE


def _given(pipeline: Pipeline, node: Node) -> int:
    try:
        value = pipeline.constant(node.tag, "num_parallel_calls")
    except KeyError:
        return 1
    return _AUTOTUNE if value is None else int(value)


def does_work(node: Node) -> bool:
    """Whether a stage does more than to hand elements on."""
    return node.op not in PASSING
