"""Making several rewrites together, as far as they pay and are proved to alter nothing."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from benchmarks.doctor import (
    catalogue,
    graphs,
    parallel_rewrites,
    prefetch_rewrites,
    proof,
    setting_rewrites,
    vectorised_rewrites,
)
from benchmarks.doctor.candidates import Candidate
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View

# What the model expects less of is not worth a change, except that numbers of parallel
# calls are given so that nothing has to be found out by trial.
LEAST_GAIN = 1.02
_FREE = ("parallel map", "parallel filter")
# Handing records over from thread to thread costs more than it gains if readers are fast.
_LEAST_READER_GAIN = 1.1
_MOVES = ("shuffle earlier", "skip earlier")
# Of the time of a whole element, below which a stage is left to one thread.
_LEAST_SHARE = 0.05


@dataclasses.dataclass(frozen=True)
class Tuned:
    """A pipeline and what was changed to make it faster.

    Attributes:
      original: the pipeline as it was.
      pipeline: the pipeline as it is now.
      rewrites: that were made.
      left: what was not changed, and why, a line each.
      elements: that were compared to prove that it gives the same.
    """

    original: Pipeline
    pipeline: Pipeline
    rewrites: tuple[Rewrite, ...]
    left: tuple[str, ...]
    elements: int

    @property
    def diff(self) -> str:
        """What was changed, a line each."""
        lines = [f"+ {rewrite.kind}: {rewrite.edit}" for rewrite in self.rewrites]
        return "\n".join([*lines, *(f"  {line}" for line in self.left)])


def combine(view: View, found: Sequence[Candidate], *, seconds: float) -> Tuned:
    """Makes all rewrites that pay and are proved to change no element.

    Args:
      view: the pipeline.
      found: what could be changed.
      seconds: for all proofs together.
    """
    begin = time.perf_counter()
    wanted = worthwhile(view, found)
    left = [
        f"{view.node(node.tag).name} stays as it is: {why}"
        for node in view.nodes
        if (why := _why_left(view, node))
    ]
    while wanted:
        changed, made = catalogue.apply(view.pipeline, wanted)
        shown = proved(view.pipeline, changed, seconds)
        if shown.holds:
            return Tuned(view.pipeline, changed, tuple(made), tuple(left), shown.elements)
        # One of them alters elements: find it, since the others are still wanted.
        guilty = _guilty(view.pipeline, wanted, seconds)
        for rewrite, difference in guilty:
            left.append(f"no {rewrite.kind}: {difference}")
        wanted = [
            rewrite for rewrite in wanted if rewrite not in [each for each, _ in guilty]
        ]
        if not guilty or time.perf_counter() - begin > 10 * seconds:
            left.append(f"nothing was changed: {shown.difference}")
            break
    return Tuned(view.pipeline, view.pipeline, (), tuple(left), 0)


def worthwhile(view: View, found: Sequence[Candidate]) -> list[Rewrite]:
    """The rewrites that keep elements as they are and are expected to pay."""
    total = sum(view.wall_s(node.tag) for node in view.nodes) or 1.0
    wanted = []
    for candidate in found:
        rewrite = candidate.rewrite
        if rewrite.alters or rewrite.asks:
            continue
        share = sum(view.wall_s(tag) for tag in rewrite.tags) / total
        is_free = rewrite.kind in _FREE and share >= _LEAST_SHARE
        is_end = rewrite.kind in (prefetch_rewrites.PREFETCH, setting_rewrites.OPTIONS)
        is_move = rewrite.kind in _MOVES and _saves_bytes(view, rewrite)
        is_whole = rewrite.kind == vectorised_rewrites.REBATCH
        is_reader = rewrite.kind == parallel_rewrites.INTERLEAVE
        least = _LEAST_READER_GAIN if is_reader else LEAST_GAIN
        if candidate.gain >= least or is_free or is_end or is_move or is_whole:
            wanted.append(rewrite)
    return wanted


def _saves_bytes(view: View, rewrite: Rewrite) -> bool:
    before = view.alone.get(view.node(rewrite.tags[0]).inputs[0])
    after = view.alone.get(rewrite.tags[-1])
    return before is not None and after is not None and after.bytes > 2 * before.bytes


def proved(old: Pipeline, new: Pipeline, seconds: float) -> proof.Proof:
    """Compares two pipelines' elements; without proof if one of them fails."""
    try:
        return proof.compare(old, new, seconds=seconds)
    except (GraphError, tf.errors.OpError) as error:
        return proof.Proof(0, False, graphs.first_line(error))


def _guilty(
    pipeline: Pipeline, wanted: Sequence[Rewrite], seconds: float
) -> list[tuple[Rewrite, str]]:
    found = []
    for rewrite in wanted:
        changed, made = catalogue.apply(pipeline, [rewrite])
        if made:
            shown = proved(pipeline, changed, seconds / 2)
            if not shown.holds:
                found.append((rewrite, shown.difference or "nothing could be compared"))
    return found


def _why_left(view: View, node: Any) -> str:
    traits = view.traits(node)
    if traits.is_generator:
        return "a Python generator makes its elements"
    if traits.is_python:
        return "its function runs Python code"
    if traits.is_stateful:
        return "its function depends on a state, such as random numbers without a seed"
    return ""
