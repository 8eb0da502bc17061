"""The figures of a pipeline's stages, as an examination tells them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from benchmarks.doctor import costs, queueing
from benchmarks.doctor.diagnosis import Stage
from benchmarks.doctor.graphs import Node
from benchmarks.doctor.isolation import Alone
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import View
from benchmarks.doctor.timing import Timing


def of(
    view: View,
    now: Sequence[Cost],
    cuts: Mapping[str, float],
    whole: Timing,
    lines: Mapping[str, str],
) -> list[Stage]:
    """Every stage, in pipeline order.

    Args:
      view: the pipeline.
      now: what its stages cost as it runs.
      cuts: rates of the pipeline cut after a stage, by tag.
      whole: of the pipeline as it is.
      lines: that made the stages, by tag.
    """
    shares = queueing.shares(now, view.cores)
    chosen = costs.chosen_parallelism(view.nodes, whole.model)
    found = []
    for bare_stage, node, cost in zip(
        bare(view.nodes, lines), view.nodes, now, strict=True
    ):
        alone = view.alone.get(node.tag)
        count = view.elements.get(node.tag, 0.0)
        bytes_out = None if alone is None else alone.bytes * count
        buffer = int(chosen.get(node.tag, {}).get("buffer_size", 0))
        buffered = chosen.get(node.tag, {}).get("buffered", 0.0)
        found.append(
            dataclasses.replace(
                bare_stage if alone is None else _timed(bare_stage, alone, cost),
                elements=count,
                parallelism=max(cost.parallelism, 1.0),
                buffer=buffer,
                buffered=min(1.0, buffered / buffer) if buffer else None,
                bytes_out=bytes_out,
                amplification=_amplification(view, node, bytes_out),
                rate_up_to_here=cuts.get(node.tag),
                share=shares.get(node.tag, 0.0),
            )
        )
    return found


def _timed(stage: Stage, alone: Alone, cost: Cost) -> Stage:
    return dataclasses.replace(
        stage,
        element_us=1e6 * alone.element_s,
        self_us=1e6 * cost.wall_s,
        cpu_us=1e6 * cost.cpu_s,
        wait_us=1e6 * max(0.0, cost.wall_s - cost.cpu_s),
    )


def _amplification(view: View, node: Node, bytes_out: float | None) -> float | None:
    """Bytes that a stage gives over bytes that it takes, where both are known."""
    if bytes_out is None or any(tag not in view.alone for tag in node.inputs):
        return None
    taken = sum(view.alone[tag].bytes * view.elements.get(tag, 0.0) for tag in node.inputs)
    return bytes_out / taken if taken else None


def bare(nodes: Sequence[Node], lines: Mapping[str, str]) -> list[Stage]:
    """Names and order of stages of which nothing was measured.

    Args:
      nodes: of the pipeline, in order.
      lines: that made them, by tag.
    """
    numbers = {node.tag: number for number, node in enumerate(nodes)}
    return [
        Stage(
            number=number,
            op=node.op,
            name=node.name,
            function=node.function,
            line=lines.get(node.tag, ""),
            inputs=tuple(numbers[tag] for tag in node.inputs),
            elements=0.0,
            element_us=None,
            self_us=None,
            cpu_us=None,
            wait_us=None,
            parallelism=1.0,
            buffer=0,
            buffered=None,
            bytes_out=None,
            amplification=None,
            rate_up_to_here=None,
            share=0.0,
        )
        for number, node in enumerate(nodes)
    ]
