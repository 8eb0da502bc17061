"""Rewrites of a pipeline's options, and of its end."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from benchmarks.doctor import graphs
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, options_of, where

OPTIONS, PREFETCH, UNORDERED = "options", "prefetch", "deterministic off"
KINDS = (OPTIONS, PREFETCH, UNORDERED)
_LEAST_RAM_BUDGET = 64 << 20
_LEAST_WAIT_SECONDS = 1e-4


def find(view: View) -> list[Rewrite]:
    """Options that hold the pipeline back, and a missing prefetch."""
    found = []
    options = options_of(view)
    cores = view.cores
    last = view.nodes[-1].tag
    threads = options.threading.private_threadpool_size
    intra_op = options.threading.max_intra_op_parallelism
    told = []
    if options.autotune.enabled is False:
        told.append("autotune is off")
    if threads is not None and 0 < threads < cores:
        told.append(f"there is a pool of {threads} threads for {cores} processors")
    if intra_op is not None and 0 < intra_op < cores:
        told.append(f"an operation has {intra_op} threads for {cores} processors")
    if options.experimental_optimization.apply_default_optimizations is False:
        told.append("the runtime's optimisations are off")
    ram = options.autotune.ram_budget
    if ram is not None and 0 < ram < _LEAST_RAM_BUDGET:
        told.append(f"AUTOTUNE may use {ram:,} bytes for buffers")
    if told:
        found.append(
            Rewrite(
                OPTIONS,
                (last,),
                {"threads": cores},
                f"the options hold it back: {'; '.join(told)}",
                "leave out options.autotune.enabled = False, options.threading and "
                "options.experimental_optimization, or set them to what this machine has",
            )
        )
    if not any(
        node.op == "PrefetchDataset" for node in view.nodes if node.tag in _end(view)
    ):
        found.append(
            Rewrite(
                PREFETCH,
                (last,),
                {"buffer_size": 2},
                "the next element is only begun when it is asked for",
                ".prefetch(tf.data.AUTOTUNE) at the end",
            )
        )
    waiting = _waiting(view)
    if waiting is not None and options.deterministic is not False:
        found.append(
            Rewrite(
                UNORDERED,
                (waiting.tag,),
                {},
                f"{where(waiting)} waits for different times, and elements that are ready "
                "wait for those before them",
                "options.deterministic = False, if their order does not matter",
                alters="the order of elements",
            )
        )
    return found


def _waiting(view: View) -> Node | None:
    """A stage that works on several elements at once and waits most of the time."""
    for node in view.nodes:
        alone = view.alone.get(node.tag)
        if (
            node.op.startswith("Parallel")
            and alone is not None
            and alone.element_s > _LEAST_WAIT_SECONDS
            and alone.cpu_s < 0.5 * alone.element_s
        ):
            return node
    return None


def apply(pipeline: Pipeline, rewrite: Rewrite) -> Pipeline:
    """Makes the change."""
    # Other rewrites may have put another dataset at the end.
    dataset = graphs.build(pipeline)
    if rewrite.kind == PREFETCH:
        dataset = dataset.prefetch(rewrite.arguments["buffer_size"])
    else:
        options = tf.data.Options()
        if rewrite.kind == UNORDERED:
            options.deterministic = False
        else:
            options.autotune.enabled = True
            options.autotune.ram_budget = 0
            options.experimental_optimization.apply_default_optimizations = True
            options.threading.private_threadpool_size = rewrite.arguments["threads"]
            options.threading.max_intra_op_parallelism = rewrite.arguments["threads"]
        dataset = dataset.with_options(options)
    changed = graphs.read(dataset)
    kept = (*pipeline.kept, *changed.kept)
    return dataclasses.replace(changed, kept=kept)


def _end(view: View) -> list[str]:
    """Tags of the datasets after the last one that does any work."""
    passing = ("OptionsDataset", "PrefetchDataset", "ModelDataset")
    found = []
    for node in reversed(view.nodes):
        if node.op not in passing:
            break
        found.append(node.tag)
    return found
