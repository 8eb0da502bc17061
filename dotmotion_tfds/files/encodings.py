"""How a stored clip holds its frames.

| encoding | a clip's `video` is |
|---|---|
| zlib | one zlib stream of the frames, as TFDS's `Tensor(encoding="zlib")` reads it |
| raw | the frames' bytes, as TFDS's `Tensor(encoding="bytes")` reads them |
| png | one PNG file a frame, as TFDS's `Video` reads them |
| trajectories | absent: frames are rendered from the centres |

Frames that show the dot alone are few: about a thousand differ among the hundred thousand
of config `standard`. So each is rendered and compressed once, and a clip is put together
from its frames' bytes: 6 us a clip, where compressing it as a whole takes 340 us.
"""

from __future__ import annotations

import dataclasses
import io
import zlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image

from dotmotion_tfds import motion, raster, scenery
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import NamedConfig
from dotmotion_tfds.spec import ClipSpec

# About 100 bytes each.
_MAX_KEPT_FRAMES = 1 << 16
_ADLER_MODULUS = 65521
# Deflate with a window of 32 kB, "compressed as well as can be".
_ZLIB_HEADER = b"\x78\xda"
_LAST_BLOCK = b"\x03\x00"
# Of noise, higher levels save 1 % more and take a tenth longer.
_NOISE_LEVEL = 1


class ClipEncoder:
    """Encodes the frames of clips of one configuration.

    Keeps the encoded frames that it has met, so one encoder should serve many batches.
    It is not safe to share between threads.
    """

    def __init__(self, config: NamedConfig) -> None:
        self._spec = config.spec
        self._encoding = config.encoding
        self._kept: dict[int, Any] = {}

    def encode(
        self, indices: np.ndarray, centers: np.ndarray, *, split: str, seed: int
    ) -> list[list[bytes]]:
        """What is stored as `video` of each clip.

        Args:
          indices: int64 `[n]`, not negative.
          centers: int32 `[n, frames, 2]`, those of the same clips.
          split: the split's name.
          seed: the dataset's seed, in [0, 2**63).

        Returns:
          For each clip one string, one for each frame (png) or none (trajectories).
        """
        spec = self._spec
        if self._encoding not in _CODECS:
            return [[] for _ in indices]
        codec = _CODECS[self._encoding]
        if not spec.shows_the_dot_alone:
            scenes = raster.render_scene(
                NUMPY, spec, centers, indices, split=split, seed=seed
            )
            return [codec.encode_clip(video) for video in scenes]
        colors = None
        if spec.channels > 1:
            colors = scenery.colors(NUMPY, spec, indices, split=split, seed=seed)
        if self._encoding in _FRAME_CODECS:
            return self._encode_dots(_FRAME_CODECS[self._encoding], centers, colors)
        videos = raster.render_dot(NUMPY, spec, centers, colors)
        return [codec.encode_clip(video) for video in videos]

    def _encode_dots(
        self, codec: _FrameCodec, centers: np.ndarray, colors: np.ndarray | None
    ) -> list[list[bytes]]:
        keys = _frame_keys(self._spec, centers, colors)
        unique, places = np.unique(keys, return_index=True)
        if len(self._kept) + len(unique) > _MAX_KEPT_FRAMES:
            self._kept.clear()
        clips, frames = np.unravel_index(places, keys.shape)
        for key, clip, frame in zip(unique.tolist(), clips, frames, strict=True):
            if key not in self._kept:
                rendered = raster.render_dot(
                    NUMPY,
                    self._spec,
                    centers[clip : clip + 1, frame : frame + 1],
                    None if colors is None else colors[clip : clip + 1],
                )
                self._kept[key] = codec.encode_frame(rendered[0, 0])
        kept = self._kept
        return [codec.join([kept[key] for key in row]) for row in keys.tolist()]


def decode_clip(
    spec: ClipSpec, encoding: str, strings: Sequence[bytes]
) -> np.ndarray | None:
    """The frames that are stored as a clip's `video`.

    Args:
      spec: what the clips look like.
      encoding: one of `configs.ENCODINGS`, but not 'trajectories'.
      strings: what `ClipEncoder.encode` gave for the clip.

    Returns:
      uint8 `[frames, height, width, channels]`, or None if the strings are no such clip.
    """
    try:
        pixels = _CODECS[encoding].decode(strings)
    except (zlib.error, OSError, ValueError, SyntaxError, TypeError):
        # Pillow calls broken files by a SyntaxError; a TypeError is a feature of numbers.
        return None
    if len(pixels) != spec.clip_bytes:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(spec.video_shape)


class _Codec(Protocol):
    """One way to turn frames into strings."""

    def encode_clip(self, video: np.ndarray) -> list[bytes]:
        """The strings of a clip, uint8 `[frames, height, width, channels]`."""

    def decode(self, strings: Sequence[bytes]) -> bytes:
        """The frames' bytes; raises ValueError, OSError or zlib.error if it can't."""


class _FrameCodec(_Codec, Protocol):
    """One that shrinks frames by themselves, so that they are worth keeping."""

    def encode_frame(self, frame: np.ndarray) -> Any:
        """A part of a clip, for `join`; uint8 `[height, width, channels]`."""

    def join(self, parts: list[Any]) -> list[bytes]:
        """The strings of the clip of these parts."""


class _Raw:
    def encode_clip(self, video: np.ndarray) -> list[bytes]:
        return [video.tobytes()]

    def decode(self, strings: Sequence[bytes]) -> bytes:
        (pixels,) = strings
        return pixels


class _Png:
    def encode_frame(self, frame: np.ndarray) -> bytes:
        file = io.BytesIO()
        image = Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame)
        image.save(file, format="PNG")
        return file.getvalue()

    def join(self, parts: list[bytes]) -> list[bytes]:
        return parts

    def encode_clip(self, video: np.ndarray) -> list[bytes]:
        return [self.encode_frame(frame) for frame in video]

    def decode(self, strings: Sequence[bytes]) -> bytes:
        frames = []
        for string in strings:
            with Image.open(io.BytesIO(string), formats=["PNG"]) as image:
                frames.append(np.asarray(image).tobytes())
        return b"".join(frames)


@dataclasses.dataclass(frozen=True)
class _DeflatedFrame:
    """A frame's part of a zlib stream.

    Attributes:
      blocks: deflate blocks that end on a byte and refer to nothing before them.
      length: bytes of the frame.
      total: the sum of the frame's bytes, modulo 65521.
      weighted: the sum of its bytes, each times the number of bytes from it to the
        frame's end, modulo 65521.
    """

    blocks: bytes
    length: int
    total: int
    weighted: int


class _Zlib:
    """Streams are put together by RFC 1950 (zlib) and 1951 (deflate)."""

    def encode_frame(self, frame: np.ndarray) -> _DeflatedFrame:
        data = frame.tobytes()
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
        blocks = deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)
        adler = zlib.adler32(data)
        # Adler-32 starts from 1, which adds 1 to one sum and the length to the other.
        return _DeflatedFrame(
            blocks,
            len(data),
            ((adler & 0xFFFF) - 1) % _ADLER_MODULUS,
            ((adler >> 16) - len(data)) % _ADLER_MODULUS,
        )

    def join(self, parts: list[_DeflatedFrame]) -> list[bytes]:
        total, weighted = 1, 0
        for part in parts:
            weighted += total * part.length + part.weighted
            total += part.total
        adler = weighted % _ADLER_MODULUS << 16 | total % _ADLER_MODULUS
        blocks = [part.blocks for part in parts]
        return [b"".join((_ZLIB_HEADER, *blocks, _LAST_BLOCK, adler.to_bytes(4, "big")))]

    def encode_clip(self, video: np.ndarray) -> list[bytes]:
        return [zlib.compress(video.tobytes(), _NOISE_LEVEL)]

    def decode(self, strings: Sequence[bytes]) -> bytes:
        (stream,) = strings
        return zlib.decompress(stream)


_FRAME_CODECS: dict[str, _FrameCodec] = {"png": _Png(), "zlib": _Zlib()}
_CODECS: dict[str, _Codec] = {**_FRAME_CODECS, "raw": _Raw()}


def _frame_keys(
    spec: ClipSpec, centers: np.ndarray, colors: np.ndarray | None
) -> np.ndarray:
    """Numbers that are equal for frames that look alike, int64 `[n, frames]`."""
    (row_min, _), (column_min, column_max) = motion.center_tables(spec).bounds
    num_columns = column_max - column_min + 1
    keys = (centers[..., 0].astype(np.int64) - row_min) * num_columns
    keys += centers[..., 1] - column_min
    if colors is None:
        return keys
    return keys * len(scenery.COLORS[spec.channels]) + colors[:, np.newaxis]
