"""Rewrites in a file, for another process to make."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import tensorflow as tf

from benchmarks.doctor import building, catalogue, graphs, proof
from benchmarks.doctor.combining import Tuned
from benchmarks.doctor.graphs import GraphError
from benchmarks.doctor.rewrites import Rewrite
from benchmarks.series import ResultError
from dotmotion_tfds import json_file

_FORMAT = 1


def write(path: str | os.PathLike[str], original: graphs.Pipeline, tuned: Tuned) -> None:
    """Writes what `tune` has changed.

    Args:
      path: of the file.
      original: the pipeline before it.
      tuned: what was made of it.
    """
    stages = {node.tag: number for number, node in enumerate(original.nodes)}
    json_file.write(
        pathlib.Path(path),
        {
            "format": _FORMAT,
            "tensorflow": tf.__version__,
            "stages": [node.op for node in original.nodes],
            "rewrites": [
                {
                    "kind": rewrite.kind,
                    "stages": [stages[tag] for tag in rewrite.tags],
                    "arguments": dict(rewrite.arguments),
                    "edit": rewrite.edit,
                }
                for rewrite in tuned.rewrites
            ],
        },
    )


def apply(dataset: tf.data.Dataset, path: str | os.PathLike[str]) -> tf.data.Dataset:
    """Makes the changes of a file, and proves that elements stay equal.

    Args:
      dataset: made by the same code as the one that was tuned.
      path: of a file that `python -m benchmarks.doctor --tune --emit` has written.

    Returns:
      The faster dataset.

    Raises:
      ResultError: if the file is none of those, or was made for another pipeline, or
        elements would change.
    """
    settings = _load(path)
    pipeline = graphs.read(dataset)
    nodes = pipeline.nodes
    if [node.op for node in nodes] != settings["stages"]:
        raise ResultError(
            f"{os.fspath(path)!r} is for a pipeline of {', '.join(settings['stages'])}: "
            f"this one has {', '.join(node.op for node in nodes)}"
        )
    chosen = [
        Rewrite(
            each["kind"],
            tuple(nodes[number].tag for number in each["stages"]),
            each["arguments"],
            "",
            each["edit"],
        )
        for each in settings["rewrites"]
    ]
    changed, made = catalogue.apply(pipeline, chosen)
    if len(made) != len(chosen):
        raise ResultError(f"{os.fspath(path)!r}: some of its changes can't be made here")
    try:
        shown = proof.compare(pipeline, changed)
    except (GraphError, tf.errors.OpError) as error:
        raise ResultError(f"the changed pipeline fails: {error}") from None
    if not shown.holds:
        raise ResultError(f"elements would change: {shown.difference}")
    return building.build(changed)


def _load(path: str | os.PathLike[str]) -> dict[str, Any]:
    name = os.fspath(path)
    try:
        settings = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(f"{name!r} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict) or settings.get("format") != _FORMAT:
        raise ResultError(f"{name!r} holds no settings: expected what --emit writes")
    return settings
