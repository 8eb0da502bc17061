"""Pipelines whose stages were measured, briefly, for tests of what follows from that."""

from __future__ import annotations

import tensorflow as tf

from benchmarks.doctor import costs, graphs, isolation, rewrites
from benchmarks.doctor.isolation import Isolated
from benchmarks.doctor.queueing import Cost
from benchmarks.doctor.rewrites import View


def double(value: tf.Tensor) -> tf.Tensor:
    return 2 * value


def measured(dataset: tf.data.Dataset) -> tuple[View, list[Cost], Isolated]:
    """The pipeline, what its stages cost, and elements that were kept of them."""
    pipeline = graphs.read(dataset)
    nodes = tuple(pipeline.nodes)
    isolated = isolation.measure(pipeline, 2.0, may_be_empty=True)
    elements = costs.elements(nodes, isolated.alone, are_cached=True)
    view = rewrites.View(pipeline, nodes, isolated.alone, elements, cores=2)
    return view, costs.in_pipeline(view), isolated
