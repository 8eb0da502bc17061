"""What a run writes for TensorBoard: scalars, the graph and a few clips."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from absl import logging

import dotmotion_tfds
from dotmotion_tfds import pictures
from trainers.options import TrainOptions


class TensorBoardLog:
    """Event files under `<workdir>/tensorboard`.

    A run is worth more than its log: where that can't be written, such as on a full disk,
    a warning says so, and nothing more is written.
    """

    def __init__(self, workdir: pathlib.Path) -> None:
        self._folder = workdir / "tensorboard"
        self._writer: Any = None
        self._try(self._open)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes one point of each curve."""

        def write() -> None:
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)

        self._write(write)

    def graph(self, graph: tf.Graph) -> None:
        """Writes the graph of a function."""
        self._write(lambda: tf.summary.graph(graph))

    def clips(self, options: TrainOptions) -> None:
        """Writes a filmstrip and an animation of one clip of each class."""
        # Four clips in a row hold each class once.
        batch = dotmotion_tfds.clips(
            range(4), split="train", config=options.config, seed=options.seed
        )

        def write() -> None:
            for video, label in zip(
                batch["video"].numpy(), batch["label"].numpy(), strict=True
            ):
                name = dotmotion_tfds.CLASS_NAMES[label]
                strip = pictures.filmstrip(video)
                tf.summary.image(f"filmstrip/{name}", strip[None], step=0)
                _write_animation(f"animation/{name}", pictures.animation(video))

        self._write(write)

    def close(self) -> None:
        """Writes what is buffered and closes the file."""
        if self._writer is not None:
            self._try(self._writer.close)

    def _open(self) -> None:
        self._writer = tf.summary.create_file_writer(str(self._folder))

    def _write(self, write: Callable[[], None]) -> None:
        if self._writer is None:
            return

        def write_and_flush() -> None:
            with self._writer.as_default():
                write()

        self._try(write_and_flush)

    def _try(self, do: Callable[[], None]) -> None:
        try:
            do()
        except (OSError, tf.errors.OpError) as error:
            self._writer = None
            reason = str(error).splitlines()[0]
            logging.warning("no more is written to %s: %s", self._folder, reason)


def _write_animation(name: str, gif: bytes) -> None:
    # `tf.summary.image` encodes PNG only, while TensorBoard shows any image that a
    # browser does: this is the record that it writes, holding a GIF.
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="images")
    )
    tf.summary.write(name, tf.constant(["0", "0", gif]), step=0, metadata=metadata)
