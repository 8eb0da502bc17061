"""Rewrites of a pipeline's options."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from benchmarks.doctor import building, graphs
from benchmarks.doctor.graphs import Node, Pipeline
from benchmarks.doctor.rewrites import Rewrite, View, options_of, where

OPTIONS, UNORDERED = "options", "deterministic off"
KINDS = (OPTIONS, UNORDERED)
_LEAST_RAM_BUDGET = 64 << 20
_LEAST_WAIT_SECONDS = 1e-4


def find(view: View) -> list[Rewrite]:
    """Options that hold the pipeline back."""
    found = []
    options = options_of(view)
    cores = view.cores
    last = view.nodes[-1].tag
    threads = options.threading.private_threadpool_size
    intra_op = options.threading.max_intra_op_parallelism
    told = []
    settings: dict[str, int] = {}
    if options.autotune.enabled is False:
        told.append("autotune is off")
        settings["autotune"] = True
    if threads is not None and 0 < threads < cores:
        told.append(f"there is a pool of {threads} threads for {cores} processors")
        settings["threads"] = cores
    if intra_op is not None and 0 < intra_op < cores:
        told.append(f"an operation has {intra_op} threads for {cores} processors")
        settings["intra_op_threads"] = cores
    if options.experimental_optimization.apply_default_optimizations is False:
        told.append("the runtime's optimisations are off")
        settings["default_optimisations"] = True
    ram = options.autotune.ram_budget
    if ram is not None and 0 < ram < _LEAST_RAM_BUDGET:
        told.append(f"AUTOTUNE may use {ram:,} bytes for buffers")
        settings["ram_budget"] = 0
    if told:
        found.append(
            Rewrite(
                OPTIONS,
                (last,),
                settings,
                f"the options hold it back: {'; '.join(told)}",
                "leave out options.autotune.enabled = False, options.threading and "
                "options.experimental_optimization, or set them to what this machine has",
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
    options = tf.data.Options()
    if rewrite.kind == UNORDERED:
        options.deterministic = False
    # Only what was set amiss: to set how many threads an operation has costs a quarter of
    # the rate where the default did well.
    settings = rewrite.arguments
    if "autotune" in settings:
        options.autotune.enabled = bool(settings["autotune"])
    if "ram_budget" in settings:
        options.autotune.ram_budget = settings["ram_budget"]
    if "default_optimisations" in settings:
        options.experimental_optimization.apply_default_optimizations = bool(
            settings["default_optimisations"]
        )
    if "threads" in settings:
        options.threading.private_threadpool_size = settings["threads"]
    if "intra_op_threads" in settings:
        options.threading.max_intra_op_parallelism = settings["intra_op_threads"]
    # Other rewrites may have put another dataset at the end.
    dataset = building.build(pipeline).with_options(options)
    changed = graphs.read(dataset)
    kept = (*pipeline.kept, *changed.kept)
    return dataclasses.replace(changed, kept=kept)
