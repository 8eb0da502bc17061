"""What a clip looks like: geometry, noise and scenery, checked once."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

CLASS_NAMES = ("sine", "constant", "ascending", "descending")
SPLITS = ("train", "test")
MAX_BATCH_SIZE = 1 << 20

# Beyond these a typo is likelier than a wish.
_MAX_FRAMES = 4096
_MAX_SIDE = 4096
_MAX_CLIP_BYTES = 1 << 28
# Tables grow with the noise: at 16 pixels and 64 frames they take about a second, and
# four times that with varying speed.
_MAX_NOISE = 16
# A pixel knows of eight dots, a bit for each, the one that tells the class among them.
_MAX_DISTRACTORS = 7
_MAX_SENSOR_NOISE = 64
_MAX_LEVEL = 255


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
      channels: 1 for grey, 3 for a dot in one of seven colours, drawn for each clip
        whatever its class.
      contrast: how much brighter than the ground the dot is, 1 to 255. The ground has
        level (255 - contrast) // 2, so both are as far from the ends.
      sensor_noise: standard deviation of noise that is added to every value, in levels,
        0 to 64; values are clipped to 0..255.
      distractors: dots that look like the one in question, each on a straight line from
        edge to edge, 0 to 7.
      occluded_frames: length of the one gap in which the dot does not show, in frames, 0
        to `frames` - 1; where it starts is drawn for each clip.
      varying_speed: whether the dot follows its path at a speed that changes from frame
        to frame by up to eight times, instead of evenly.
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
    channels: int = 1
    contrast: int = _MAX_LEVEL
    sensor_noise: float = 0.0
    distractors: int = 0
    occluded_frames: int = 0
    varying_speed: bool = False
    as_notebook: bool = False

    def __post_init__(self) -> None:
        self._set_integer("frames", 1, _MAX_FRAMES)
        self._set_integer("height", 1, _MAX_SIDE)
        self._set_integer("width", 1, _MAX_SIDE)
        self._set_integer("contrast", 1, _MAX_LEVEL)
        self._set_integer("distractors", 0, _MAX_DISTRACTORS)
        self._set_integer("occluded_frames", 0, self.frames - 1)
        if not _is_integer(self.channels) or self.channels not in (1, 3):
            raise SpecError(
                f"channels={self.channels!r}: expected 1 for grey or 3 for colours"
            )
        object.__setattr__(self, "channels", operator.index(self.channels))
        for name in ("varying_speed", "as_notebook"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise SpecError(f"{name}={getattr(self, name)!r}: expected true or false")
            object.__setattr__(self, name, bool(getattr(self, name)))
        side = min(self.height, self.width)
        if not _is_integer(self.dot_size) or not 1 <= self.dot_size <= side:
            raise SpecError(
                f"dot_size={self.dot_size!r} does not fit a frame of "
                f"{self.height} x {self.width} pixels: expected an integer from 1 to "
                f"{side}; make the dot smaller or the frame larger"
            )
        object.__setattr__(self, "dot_size", operator.index(self.dot_size))
        self._set_number(
            "noise",
            min(side / 4, _MAX_NOISE),
            f"pixels (a quarter of the shorter side of the frame, at most {_MAX_NOISE})",
        )
        self._set_number("sensor_noise", _MAX_SENSOR_NOISE, "levels of brightness")
        if self.clip_bytes > _MAX_CLIP_BYTES:
            raise SpecError(
                f"frames={self.frames}, height={self.height}, width={self.width} make "
                f"clips of {self.clip_bytes} bytes: expected at most "
                f"{_MAX_CLIP_BYTES}; use fewer frames or a smaller frame"
            )

    @property
    def video_shape(self) -> tuple[int, int, int, int]:
        """Shape of one clip's `video`: (frames, height, width, channels)."""
        return (self.frames, self.height, self.width, self.channels)

    @property
    def clip_bytes(self) -> int:
        """Bytes of one clip's `video`, uint8."""
        return self.frames * self.height * self.width * self.channels

    @property
    def ground_level(self) -> int:
        """The brightness of a pixel without a dot, before sensor noise."""
        return (_MAX_LEVEL - self.contrast) // 2

    @property
    def shows_the_dot_alone(self) -> bool:
        """Whether a frame is the ground and the dot: no distractors, gap or noise."""
        return not (self.distractors or self.occluded_frames or self.sensor_noise)

    @property
    def is_drawn_from_centers(self) -> bool:
        """Whether a clip's frames follow from its centres, without its index."""
        return self.shows_the_dot_alone and self.channels == 1

    def slug(self) -> str:
        """A short name that differs between specs, fit for a directory name."""
        parts = [
            f"frames{self.frames}_{self.height}x{self.width}",
            f"dot{self.dot_size}_noise{_shortest(self.noise)}",
        ]
        if self.channels != 1:
            parts.append("rgb")
        if self.contrast != _MAX_LEVEL:
            parts.append(f"contrast{self.contrast}")
        if self.sensor_noise:
            parts.append(f"sensor{_shortest(self.sensor_noise)}")
        if self.distractors:
            parts.append(f"distractors{self.distractors}")
        if self.occluded_frames:
            parts.append(f"occluded{self.occluded_frames}")
        if self.varying_speed:
            parts.append("varying_speed")
        if self.as_notebook:
            parts.append("as_notebook")
        return "_".join(parts)

    # The setters make Python's numbers of NumPy's: equal specs have to look alike.

    def _set_integer(self, name: str, low: int, high: int) -> None:
        value = require_integer(name, getattr(self, name), low, high)
        object.__setattr__(self, name, value)

    def _set_number(self, name: str, most: float, unit: str) -> None:
        value = getattr(self, name)
        if (
            not isinstance(value, (int, float, np.integer, np.floating))
            or isinstance(value, bool)
            or not 0 <= value <= most
        ):
            raise SpecError(
                f"{name}={value!r} is out of range: expected 0 to {most:g} {unit}"
            )
        object.__setattr__(self, name, float(value))


_NUMBER = r"\d[\d.]*(?:e[+-]?\d+)?"
_SLUG = re.compile(
    r"frames(?P<frames>\d+)_(?P<height>\d+)x(?P<width>\d+)"
    rf"_dot(?P<dot_size>\d+)_noise(?P<noise>{_NUMBER})"
    r"(?P<channels>_rgb)?(?:_contrast(?P<contrast>\d+))?"
    rf"(?:_sensor(?P<sensor_noise>{_NUMBER}))?(?:_distractors(?P<distractors>\d+))?"
    r"(?:_occluded(?P<occluded_frames>\d+))?"
    r"(?P<varying_speed>_varying_speed)?(?P<as_notebook>_as_notebook)?"
)
_SLUG_VALUES: dict[str, Callable[[str], Any]] = {
    "noise": float,
    "sensor_noise": float,
    "channels": lambda _: 3,
    "varying_speed": bool,
    "as_notebook": bool,
}


def spec_of_slug(slug: str) -> ClipSpec | None:
    """The spec whose `slug` this is, or None if it is that of none.

    Raises:
      SpecError: if it looks like a slug, but a value is out of range.
    """
    match = _SLUG.fullmatch(slug)
    if match is None:
        return None
    values = {
        name: _SLUG_VALUES.get(name, int)(text)
        for name, text in match.groupdict().items()
        if text is not None
    }
    spec = ClipSpec(**values)
    return spec if spec.slug() == slug else None


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


def _shortest(value: float) -> str:
    """The shortest digits that read back as this very number."""
    return f"{value!r}".removesuffix(".0")


def either(names: Iterable[str]) -> str:
    """The names quoted and joined with "or", for messages."""
    return " or ".join(repr(name) for name in names)
