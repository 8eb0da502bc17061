"""What the clips of each class of one split have in common, as exact counts and sums."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np

from dotmotion_tfds import elements
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.spec import CLASS_NAMES, ClipSpec

_BATCH_BYTES = 8 << 20


@dataclasses.dataclass(frozen=True)
class Spread:
    """How some integers are spread.

    Attributes:
      count: how many there are.
      total: their sum.
      squares: the sum of their squares.
      lowest: the least of them, None if there are none.
      highest: the greatest of them, likewise.
    """

    count: int = 0
    total: int = 0
    squares: int = 0
    lowest: int | None = None
    highest: int | None = None

    @classmethod
    def of(cls, values: np.ndarray) -> Spread:
        """The spread of int32 values of any shape, at most 2**23 in (-2**20, 2**20)."""
        if not values.size:
            return cls()
        wide = values.astype(np.int64)
        return cls(
            count=values.size,
            total=int(wide.sum()),
            squares=int(np.square(wide).sum()),
            lowest=int(values.min()),
            highest=int(values.max()),
        )

    def __add__(self, other: Spread) -> Spread:
        if not self.count or not other.count:
            return self if self.count else other
        return Spread(
            count=self.count + other.count,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            lowest=min(self.lowest, other.lowest),  # type: ignore[type-var]
            highest=max(self.highest, other.highest),  # type: ignore[type-var]
        )

    @property
    def mean(self) -> float | None:
        """Their mean, None if there are none."""
        return _ratio(self.total, self.count)

    @property
    def deviation(self) -> float | None:
        """Their standard deviation, of all and not of a sample; None if there are none."""
        return _ratio(
            math.sqrt(self.count * self.squares - self.total * self.total), self.count
        )


@dataclasses.dataclass(frozen=True)
class ClassStatistics:
    """Counts over the clips of one class; adding two gives those of all their clips.

    A pixel is a position in a frame, and lit if any of its values differs from the
    ground.

    Attributes:
      clips: how many there are.
      black_clips: those without a lit pixel.
      frames: frames of all clips; each has one centre.
      blank_frames: those without a lit pixel.
      pixels: pixels of all frames.
      lit_pixels: those that are lit.
      values: values of all pixels, one for each channel.
      value_sum: their sum.
      rows: of the centres, in pixels from the top.
      columns: of the centres, in pixels from the left.
      centers_outside: centres that are on no pixel of the frame.
    """

    clips: int = 0
    black_clips: int = 0
    frames: int = 0
    blank_frames: int = 0
    pixels: int = 0
    lit_pixels: int = 0
    values: int = 0
    value_sum: int = 0
    rows: Spread = dataclasses.field(default_factory=Spread)
    columns: Spread = dataclasses.field(default_factory=Spread)
    centers_outside: int = 0

    @classmethod
    def of(cls, videos: np.ndarray, centers: np.ndarray, *, ground: int) -> ClassStatistics:
        """The statistics of some clips.

        Args:
          videos: uint8 `[n, frames, height, width, channels]`.
          centers: int32 `[n, frames, 2]`, (row, column) in pixels.
          ground: the value that unlit pixels have in all channels.
        """
        _, _, height, width, channels = videos.shape
        # Reducing over an axis of 1 to 3 values costs six times as much.
        lit = functools.reduce(
            np.logical_or, (videos[..., channel] != ground for channel in range(channels))
        )
        lit_frames = lit.any(axis=(2, 3))
        rows, columns = centers[..., 0], centers[..., 1]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        return cls(
            clips=len(videos),
            black_clips=int(np.count_nonzero(~lit_frames.any(axis=1))),
            frames=lit_frames.size,
            blank_frames=int(np.count_nonzero(~lit_frames)),
            pixels=lit.size,
            lit_pixels=int(np.count_nonzero(lit)),
            values=videos.size,
            value_sum=int(videos.sum(dtype=np.uint64)),
            rows=Spread.of(rows),
            columns=Spread.of(columns),
            centers_outside=int(np.count_nonzero(~inside)),
        )

    def __add__(self, other: ClassStatistics) -> ClassStatistics:
        return ClassStatistics(
            *(
                getattr(self, field.name) + getattr(other, field.name)
                for field in dataclasses.fields(self)
            )
        )

    @property
    def blank_fraction(self) -> float | None:
        """The part of the frames that is blank, None if there are no clips."""
        return _ratio(self.blank_frames, self.frames)

    @property
    def lit_fraction(self) -> float | None:
        """The part of the pixels that is lit, None if there are no clips."""
        return _ratio(self.lit_pixels, self.pixels)

    @property
    def mean_value(self) -> float | None:
        """The mean of the pixels' values, 0 to 255, None if there are no clips."""
        return _ratio(self.value_sum, self.values)

    @property
    def outside_fraction(self) -> float | None:
        """The part of the centres that is outside, None if there are no clips."""
        return _ratio(self.centers_outside, self.frames)


def class_statistics(
    spec: ClipSpec,
    *,
    split: str,
    seed: int,
    num_clips: int,
    advance: Callable[[int], None] = lambda count: None,
) -> tuple[ClassStatistics, ...]:
    """Renders clips 0 to `num_clips` - 1 once, in batches, and counts by class.

    Args:
      spec: what the clips look like. With sensor noise, every pixel that is off the
        ground's level counts as lit.
      split: the split's name.
      seed: the dataset's seed, in [0, 2**63).
      num_clips: how many clips to count, not negative.
      advance: called with the number of clips that were counted, after each batch.

    Returns:
      The statistics of each class, by label.
    """
    totals = [ClassStatistics()] * len(CLASS_NAMES)
    batch_size = max(1, _BATCH_BYTES // math.prod(spec.video_shape))
    for first in range(0, num_clips, batch_size):
        indices = np.arange(first, min(first + batch_size, num_clips), dtype=np.int64)
        clips = elements.render_clips(NUMPY, spec, indices, split=split, seed=seed)
        for label in range(len(CLASS_NAMES)):
            of_class = clips["label"] == label
            totals[label] += ClassStatistics.of(
                clips["video"][of_class],
                clips["centers"][of_class],
                ground=spec.ground_level,
            )
        advance(len(indices))
    return tuple(totals)


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None
