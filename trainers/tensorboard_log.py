"""What a run writes for TensorBoard: scalars, the graph and a few clips."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

import tensorflow as tf

import dotmotion_tfds
from dotmotion_tfds import pictures
from trainers.options import TrainOptions


class TensorBoardLog:
    """Event files under `<workdir>/tensorboard`."""

    def __init__(self, workdir: pathlib.Path) -> None:
        self._writer = tf.summary.create_file_writer(str(workdir / "tensorboard"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes one point of each curve."""
        with self._writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)

    def graph(self, graph: tf.Graph) -> None:
        """Writes the graph of a function."""
        with self._writer.as_default():
            tf.summary.graph(graph)

    def clips(self, options: TrainOptions) -> None:
        """Writes a filmstrip and an animation of one clip of each class."""
        # Four clips in a row hold each class once.
        batch = dotmotion_tfds.clips(
            range(4), split="train", config=options.config, seed=options.seed
        )
        with self._writer.as_default():
            for video, label in zip(
                batch["video"].numpy(), batch["label"].numpy(), strict=True
            ):
                name = dotmotion_tfds.CLASS_NAMES[label]
                strip = pictures.filmstrip(video)
                tf.summary.image(f"filmstrip/{name}", strip[None], step=0)
                _write_animation(f"animation/{name}", pictures.animation(video))

    def close(self) -> None:
        """Writes what is buffered and closes the file."""
        self._writer.close()


def _write_animation(name: str, gif: bytes) -> None:
    # `tf.summary.image` encodes PNG only, while TensorBoard shows any image that a
    # browser does: this is the record that it writes, holding a GIF.
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="images")
    )
    tf.summary.write(name, tf.constant(["0", "0", gif]), step=0, metadata=metadata)
