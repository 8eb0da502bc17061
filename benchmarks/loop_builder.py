"""The builder that most people would write: one clip at a time, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder
from dotmotion_tfds.spec import SPLITS

_FRAMES, _HEIGHT, _WIDTH = 20, 50, 130
_ANGLES = np.linspace(np.pi / 10, 2 * np.pi, _FRAMES)


def loop_clip(random: np.random.RandomState, label: int) -> tuple[np.ndarray, np.ndarray]:
    """One clip as the notebook makes it, with the dot on screen.

    Args:
      random: the source of its noise.
      label: 0 sine, 1 constant, 2 ascending, 3 descending.

    Returns:
      uint8 frames `[20, 50, 130, 1]` and int32 centres `[20, 2]`.
    """
    video = np.zeros((_FRAMES, _HEIGHT, _WIDTH, 1), np.uint8)
    centers = np.zeros((_FRAMES, 2), np.int32)
    for frame in range(_FRAMES):
        column = 6 * (frame + 1)
        if label == 0:
            noise = 0.05 * random.randn()
            row = round(23 * (np.sin(_ANGLES[frame]) + noise + 1) + 4)
        elif label == 1:
            row, column = round(25 + random.randn()), round(65 + random.randn())
        elif label == 2:
            row = round(2 * (_FRAMES - frame) + 2 + random.randn())
        else:
            row = round(2 * (frame + 1) + 2 + random.randn())
        centers[frame] = row, column
        video[frame, max(row - 3, 0) : row + 3, max(column - 3, 0) : column + 3] = 255
    return video, centers


class LoopBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Stores clips of `loop_clip` with the features of a configuration of ours.

    Args:
      named: the configuration; its clips have to look like those of `standard`.
      **kwargs: as for any builder.
    """

    name = "loop_dot"
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, named: NamedConfig, **kwargs: Any) -> None:
        self._named = named
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        ours = Builder(config=self._named, data_dir=self._data_dir_root)
        return tfds.core.DatasetInfo(
            builder=self,
            features=ours.info.features,
            # Its shuffle would cost it another third.
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        del dl_manager
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        random = np.random.RandomState(0)
        for index in range(self._named.split_size(split)):
            label = index % 4
            video, centers = loop_clip(random, label)
            example = {"label": label, "centers": centers, "index": index}
            if "video" in self.info.features:
                example["video"] = video
            yield index, example
