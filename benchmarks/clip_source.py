"""The clips as a user of other libraries would make them: with NumPy, by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import CONFIGS

_SPEC = CONFIGS["standard"].spec
_LENGTH = 1 << 40


class ClipSource:
    """Clips of config `standard` by index, without end for practical purposes."""

    def __len__(self) -> int:
        return _LENGTH

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One clip: `video`, `label`, `centers` and `index`."""
        return make_clip(index)


class BatchSource(ClipSource):
    """The same, for loaders that ask for many clips at once."""

    def __getitems__(self, indices: Sequence[int]) -> dict[str, Any]:
        return make_clips(np.asarray(indices, np.int64))


def make_clip(index: int) -> dict[str, Any]:
    """One clip, its dot drawn frame by frame."""
    indices = np.array([index], np.int64)
    described = elements.describe_clips(NUMPY, _SPEC, indices, split="train", seed=0)
    centers = described["centers"][0]
    video = np.zeros(_SPEC.video_shape, np.uint8)
    half = _SPEC.dot_size // 2
    for frame, (row, column) in enumerate(centers.tolist()):
        rows = slice(max(row - half, 0), max(row + half, 0))
        columns = slice(max(column - half, 0), max(column + half, 0))
        video[frame, rows, columns] = 255
    return {
        "video": video,
        "label": described["label"][0],
        "centers": centers,
        "index": indices[0],
    }


def make_clips(indices: np.ndarray) -> dict[str, Any]:
    """Many clips at once, all pixels of all dots set in one assignment.

    That takes 30 us a clip; taking rows from a table, as TensorFlow's gather does it well,
    takes NumPy several times as long.
    """
    batch = elements.describe_clips(NUMPY, _SPEC, indices, split="train", seed=0)
    video = np.zeros((len(indices), *_SPEC.video_shape), np.uint8)
    offsets = np.arange(_SPEC.dot_size) - _SPEC.dot_size // 2
    rows = batch["centers"][..., 0, np.newaxis] + offsets
    columns = batch["centers"][..., 1, np.newaxis] + offsets
    frames = np.arange(len(indices) * _SPEC.frames).reshape(len(indices), -1, 1, 1)
    rows, columns = rows[..., :, np.newaxis], columns[..., np.newaxis, :]
    places = (frames * _SPEC.height + rows) * _SPEC.width + columns
    inside = (rows >= 0) & (rows < _SPEC.height) & (columns >= 0) & (columns < _SPEC.width)
    video.reshape(-1)[places[inside]] = 255
    return {"video": video, **batch}


def make_batch(number: int, batch_size: int) -> dict[str, Any]:
    """Batch `number` of an endless stream in index order."""
    first = number * batch_size
    return make_clips(np.arange(first, first + batch_size, dtype=np.int64))
