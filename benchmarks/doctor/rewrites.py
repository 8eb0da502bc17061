"""Changes of a pipeline that a program can make.

A rewrite is told by what it is, where, and with which numbers, so that it can be written
to a file and made again in another process.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import tensorflow as tf
from tensorflow.core.framework import dataset_options_pb2
from tensorflow.python.data.ops import options as options_lib

from benchmarks.doctor import building, counting, inlining, queueing, traits
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.isolation import Alone
from benchmarks.doctor.traits import Traits


@dataclasses.dataclass(frozen=True)
class Rewrite:
    """One change.

    Attributes:
      kind: such as "parallel map".
      tags: of the datasets that it changes, in pipeline order.
      arguments: numbers it is made with.
      reason: why it helps, in a sentence.
      edit: what a user would change in the code.
      alters: what elements or order it alters, in words; "" if they stay equal.
      asks: what its author has to agree to though they stay equal; "" if nothing.
    """

    kind: str
    tags: tuple[str, ...]
    arguments: Mapping[str, int]
    reason: str
    edit: str
    alters: str = ""
    asks: str = ""


@dataclasses.dataclass(frozen=True)
class View:
    """A pipeline and what is known of it.

    Attributes:
      pipeline: which pipeline.
      nodes: its datasets in order.
      alone: what each costs, by tag; some may be missing.
      elements: that each gives for one of the whole pipeline, by tag.
      cores: processors there are.
      handover_s: what it takes to take one of its elements that is ready.
      counts: of stages that were counted, by tag, so that none is counted twice.
    """

    pipeline: Pipeline
    nodes: tuple[Node, ...]
    alone: Mapping[str, Alone]
    elements: Mapping[str, float]
    cores: int
    handover_s: float = queueing.HANDOVER_SECONDS
    counts: dict[str, int] = dataclasses.field(default_factory=dict, compare=False)

    def traits(self, node: Node) -> Traits:
        """What a dataset's functions do."""
        return traits.of(self.pipeline, node)

    def node(self, tag: str) -> Node:
        """The dataset that is known by a tag; raises KeyError if there is none."""
        for node in self.nodes:
            if node.tag == tag:
                return node
        raise KeyError(tag)

    def consumer(self, tag: str) -> Node | None:
        """The only dataset that takes the elements of one, or None."""
        takers = [node for node in self.nodes if tag in node.inputs]
        return takers[0] if len(takers) == 1 and len(takers[0].inputs) == 1 else None

    def source_of(self, node: Node) -> Node | None:
        """The only dataset whose elements one takes, or None."""
        return self.node(node.inputs[0]) if len(node.inputs) == 1 else None

    def wall_s(self, tag: str) -> float:
        """What a stage works for one element of the whole pipeline."""
        if tag not in self.alone:
            return 0.0
        return self.alone[tag].element_s * self.elements.get(tag, 0.0)

    def pass_elements(self) -> int:
        """Elements of the whole pipeline in a pass; 0 if that is not known or endless."""
        for node in self.nodes:
            if "Repeat" in node.op:
                count = self.count(node.inputs[0])
                return max(0, round(count / max(self.elements.get(node.tag, 1.0), 1e-9)))
        return 0

    def filling_elements(self) -> int:
        """Elements of the pass that fills its caches; 0 without, or if that has no end."""
        if not any(node.op.startswith("CacheDataset") for node in self.nodes):
            return 0
        if any("Repeat" in node.op for node in self.nodes):
            return self.pass_elements()
        return max(0, self.count(self.nodes[-1].tag))

    def count(self, tag: str) -> int:
        """As `cardinality`, counted if the runtime can't tell and it takes a second."""
        return counting.elements(self.pipeline, tag, counted=self.counts)

    def cardinality(self, tag: str) -> int:
        """How many elements a dataset has; negative if infinite or not known."""
        return int(building.build(self.pipeline, tag).cardinality().numpy())


def options_of(view: View) -> tf.data.Options:
    """The options that the pipeline's author has set, merged."""
    merged = options_lib.Options()
    for node in view.nodes:
        if node.op == "OptionsDataset":
            serialised = view.pipeline.node_def(node.tag).attr["serialized_options"].s
            options = options_lib.Options()
            options._from_proto(dataset_options_pb2.Options.FromString(serialised))
            merged = merged.merge(options)
    return merged


def is_plain(view: View, node: Node) -> bool:
    """Whether a dataset's function can be called from another place as well."""
    kind = view.traits(node)
    return not (
        kind.is_stateful
        or kind.is_python
        or kind.opens_datasets
        or not inlining.is_callable(view.pipeline, node)
    )


# What may be in the making at once without being asked.
_MOST_BYTES = 256 << 20


def parallelism_for(alone: Alone | None, cores: int) -> int:
    """How many elements to work on at once: more than processors where work waits.

    With one for each processor, one that is ready keeps a processor idle until those
    before it have been taken: counting words was 1.5 times as fast with twice as many.
    """
    if alone is None or alone.element_s <= 0:
        return 2 * cores
    busy = min(alone.cpu_s / alone.element_s, 1.0)
    waiting = 0 if busy > 0.7 else min(64, round(cores / max(busy, 0.02)))
    fitting = max(cores, int(_MOST_BYTES / max(alone.bytes, 1)))
    return min(max(2 * cores, waiting), fitting)


def where(node: Node) -> str:
    """How a reason refers to a stage."""
    return f"{node.name} {node.function}".strip()
