"""The TFDS feature of a clip's frames, for each way to store them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dotmotion_tfds import pictures
from dotmotion_tfds.configs import NamedConfig


def video_feature(config: NamedConfig) -> Any:
    """The feature that reads the frames of a configuration's clips.

    Args:
      config: the configuration, with the encoding of its frames.

    Returns:
      A feature whose examples are uint8 `[frames, height, width, channels]`, or None if
      frames are not stored.
    """
    shape = config.spec.video_shape
    ground = config.spec.ground_level
    doc = (
        "Frames with noise around the ground's level of "
        f"{ground}, on which a dot adds {config.spec.contrast}."
        if config.spec.sensor_noise
        else f"Frames, {ground + config.spec.contrast} on a dot and {ground} elsewhere."
    )
    if config.encoding == "png":
        return ClipVideo(shape=shape, dtype=np.uint8, encoding_format="png", doc=doc)
    encodings = {
        "raw": tfds.features.Encoding.BYTES,
        "zlib": tfds.features.Encoding.ZLIB,
    }
    if config.encoding not in encodings:
        return None
    return ClipTensor(
        shape=shape, dtype=np.uint8, encoding=encodings[config.encoding], doc=doc
    )


class _Clip:
    """What the features of clips do beyond their TFDS parents.

    They show clips as animations in `tfds.as_dataframe`, with no need for ffmpeg, and are
    stored under their parents' names, so that a built dataset can be read where this
    package is not installed.
    """

    @property
    def _fully_qualified_class_name(self) -> str:
        parent = type(self).__mro__[2]
        return f"{parent.__module__}.{parent.__name__}"

    def repr_html(self, ex: np.ndarray) -> str:
        """An `<img>` of a clip, uint8 `[frames, height, width, channels]`."""
        content = base64.b64encode(pictures.animation(ex)).decode()
        return f'<img src="data:image/gif;base64,{content}" width="260"/>'


class ClipTensor(_Clip, tfds.features.Tensor):
    """Frames as one string, raw or compressed by zlib."""


class ClipVideo(_Clip, tfds.features.Video):
    """Frames as a PNG file each."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # TFDS reads the items of a sequence by the feature of one of them.
        self._feature = _Frame(
            shape=options["shape"][1:], dtype=np.uint8, encoding_format="png"
        )


class _Frame(tfds.features.Image):
    """A frame of a clip."""

    def decode_batch_example_np(self, example_data: Any) -> np.ndarray:
        """One array of frames, where TFDS gives a list, which batches as no clip does."""
        return np.stack(super().decode_batch_example_np(example_data))
