"""Stages that hand elements on as they are: some of them, again, or in another order.

What they do depends on how many elements come and not on what these are, so that they do
the same to elements before a map as behind it, and to the numbers of elements.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import tensorflow as tf

from benchmarks.doctor import building, graph_edits
from benchmarks.doctor.graphs import Node, Pipeline

PREFETCH, REPEAT, SHARD = "PrefetchDataset", "RepeatDataset", "ShardDataset"
SKIP, TAKE = "SkipDataset", "TakeDataset"
# How each is written in Python.
CALLS = {
    PREFETCH: "prefetch",
    REPEAT: "repeat",
    SHARD: "shard",
    "ShuffleDatasetV3": "shuffle",
    SKIP: "skip",
    TAKE: "take",
}


def behind(
    dataset: tf.data.Dataset, pipeline: Pipeline, stages: Sequence[Node]
) -> tf.data.Dataset:
    """Other elements, handed on as some stages of a pipeline hand on theirs.

    Args:
      dataset: of dense tensors.
      pipeline: where the stages are.
      stages: of `CALLS`, in pipeline order; others may be between them.

    Returns:
      A dataset of flat tensors; `dataset` itself if there are no stages.

    Raises:
      GraphError: if TensorFlow does not take the graph.
    """
    if not stages:
        return dataset
    flat = tf.nest.flatten(dataset.element_spec)
    changed = graph_edits.edited(dataclasses.replace(pipeline, element_spec=tuple(flat)))
    defs = [changed.node_def(node.tag) for node in stages]
    for node in defs:
        del node.attr["output_types"].list.type[:]
        node.attr["output_types"].list.type.extend(
            each.dtype.as_datatype_enum for each in flat
        )
        del node.attr["output_shapes"].list.shape[:]
        node.attr["output_shapes"].list.shape.extend(each.shape.as_proto() for each in flat)
    for before, node in itertools.pairwise(defs):
        node.input[0] = before.name
    return building.build(changed, stages[-1].tag, {stages[0].inputs[0]: dataset})
