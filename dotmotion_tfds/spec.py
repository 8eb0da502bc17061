"""What a clip looks like: geometry and noise, checked once."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

CLASS_NAMES = ("sine", "constant", "ascending", "descending")
SPLITS = ("train", "test")
MAX_BATCH_SIZE = 1 << 20

# Beyond these a typo is likelier than a wish.
_MAX_FRAMES = 4096
_MAX_SIDE = 4096
_MAX_CLIP_BYTES = 1 << 28
# Tables grow with the noise: at 16 pixels and 64 frames they take about a second.
_MAX_NOISE = 16


class SpecError(ValueError):
    """A clip, split or stream was described wrongly; the message is one line."""


@dataclasses.dataclass(frozen=True)
class ClipSpec:
    """Geometry of the clips of one configuration.

    Paths scale with the frame: at 20 frames of 50 x 130 they are the pixel positions
    of the original notebook, at other sizes the same fractions of the frame.

    Attributes:
      frames: frames a clip, 1 to 4096.
      height: frame height in pixels (rows), 1 to 4096.
      width: frame width in pixels (columns), 1 to 4096.
      dot_size: side of the square dot in pixels, 1 to the shorter side of the frame.
      noise: standard deviation in pixels of the dot's jitter, 0 to a quarter of the
        shorter side of the frame, at most 16. The row of a sine clip jitters by 1.15
        times as much.
      as_notebook: whether to reproduce the three faults of the notebook: the constant
        dot has its axes swapped (and so lies outside the frame), a dot that crosses
        the top edge blanks its frame, and "ascending" grows the row index.

    Raises:
      SpecError: on construction, when a value is out of range.
    """

    frames: int = 20
    height: int = 50
    width: int = 130
    dot_size: int = 6
    noise: float = 1.0
    as_notebook: bool = False

    def __post_init__(self) -> None:
        # NumPy's integers become Python's: equal specs have to look alike.
        for name, most in (
            ("frames", _MAX_FRAMES),
            ("height", _MAX_SIDE),
            ("width", _MAX_SIDE),
        ):
            value = require_integer(name, getattr(self, name), 1, most)
            object.__setattr__(self, name, value)
        side = min(self.height, self.width)
        if not _is_integer(self.dot_size) or not 1 <= self.dot_size <= side:
            raise SpecError(
                f"dot_size={self.dot_size!r} does not fit a frame of "
                f"{self.height} x {self.width} pixels: expected an integer from 1 to "
                f"{side}; make the dot smaller or the frame larger"
            )
        object.__setattr__(self, "dot_size", operator.index(self.dot_size))
        most_noise = min(side / 4, _MAX_NOISE)
        if (
            not isinstance(self.noise, (int, float, np.integer, np.floating))
            or isinstance(self.noise, bool)
            or not 0 <= self.noise <= most_noise
        ):
            raise SpecError(
                f"noise={self.noise!r} is out of range: expected pixels from 0 to "
                f"{most_noise:g} (a quarter of the shorter side of the frame, at most "
                f"{_MAX_NOISE})"
            )
        object.__setattr__(self, "noise", float(self.noise))
        if self.clip_bytes > _MAX_CLIP_BYTES:
            raise SpecError(
                f"frames={self.frames}, height={self.height}, width={self.width} make "
                f"clips of {self.clip_bytes} bytes: expected at most "
                f"{_MAX_CLIP_BYTES}; use fewer frames or a smaller frame"
            )

    @property
    def video_shape(self) -> tuple[int, int, int, int]:
        """Shape of one clip's `video`: (frames, height, width, channels)."""
        return (self.frames, self.height, self.width, 1)

    @property
    def clip_bytes(self) -> int:
        """Bytes of one clip's `video`, uint8."""
        return self.frames * self.height * self.width

    def slug(self) -> str:
        """A short name that differs between specs, fit for a directory name."""
        # The shortest digits that read back as this very number.
        noise = f"{self.noise!r}".removesuffix(".0")
        name = (
            f"frames{self.frames}_{self.height}x{self.width}"
            f"_dot{self.dot_size}_noise{noise}"
        )
        return name + ("_as_notebook" if self.as_notebook else "")


def require_split(split: str) -> str:
    """Returns `split` if there is one of that name.

    Raises:
      SpecError: otherwise.
    """
    if split not in SPLITS:
        raise SpecError(f"unknown split {split!r}: expected {either(SPLITS)}")
    return split


def require_seed(seed: int) -> int:
    """The Python integer that `seed` stands for, if it is in [0, 2**63).

    Raises:
      SpecError: otherwise.
    """
    return require_integer("seed", seed, 0, (1 << 63) - 1)


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def require_integer(name: str, value: Any, low: int, high: int) -> int:
    """The Python integer that `value` stands for, if it is in [low, high].

    Raises:
      SpecError: otherwise.
    """
    if not _is_integer(value) or not low <= value <= high:
        raise SpecError(
            f"{name}={value!r} is out of range: expected an integer from {low} to {high}"
        )
    return operator.index(value)


def either(names: Iterable[str]) -> str:
    """The names quoted and joined with "or", for messages."""
    return " or ".join(repr(name) for name in names)
