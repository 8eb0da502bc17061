"""All kinds of rewrites: which of them a pipeline offers, and how they are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

from benchmarks.doctor import (
    cache_rewrites,
    filter_rewrites,
    fusing_rewrites,
    order_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    scan_rewrites,
    setting_rewrites,
    vectorised_rewrites,
    window_rewrites,
)
from benchmarks.doctor.graphs import GraphError, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View

# In the order in which they are made: what takes the place of stages comes after what
# moves them, then what has them run in parallel, and last what does not touch them.
_MODULES: tuple[ModuleType, ...] = (
    filter_rewrites,
    order_rewrites,
    cache_rewrites,
    scan_rewrites,
    vectorised_rewrites,
    window_rewrites,
    fusing_rewrites,
    parallel_rewrites,
    prefetch_rewrites,
    setting_rewrites,
)


def find(view: View) -> Iterator[Rewrite]:
    """Every change that a pipeline offers, whatever it gains."""
    for module in _MODULES:
        yield from module.find(view)


def apply(pipeline: Pipeline, chosen: Sequence[Rewrite]) -> tuple[Pipeline, list[Rewrite]]:
    """Makes changes one after the other, in the order that suits them.

    Args:
      pipeline: what to change.
      chosen: the changes.

    Returns:
      The pipeline, and the changes that were made: one whose stages another one has taken
      away, or that TensorFlow does not take, is left out.
    """
    made = []
    for module in _MODULES:
        for rewrite in chosen:
            if rewrite.kind not in module.KINDS:
                continue
            try:
                pipeline = module.apply(pipeline, rewrite)
            except (GraphError, KeyError):
                continue
            made.append(rewrite)
    return pipeline, made
