"""Clips as still and moving pictures."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

# A dot of 6 pixels is hard to see on a screen of today.
_SHOWN_WIDTH = 400
_GAP_GREY = 96


def filmstrip(video: np.ndarray, *, columns: int = 5) -> np.ndarray:
    """All frames of a clip in a grid, row by row, with a grey line between them.

    Args:
      video: uint8 `[frames, height, width, channels]`.
      columns: frames in a row, at least 1.

    Returns:
      uint8 `[rows * (height + 1) - 1, columns * (width + 1) - 1,
      channels]`.
    """
    frames, height, width, channels = video.shape
    columns = min(columns, frames)
    rows = -(-frames // columns)
    grid = np.full((rows, height + 1, columns, width + 1, channels), _GAP_GREY, np.uint8)
    for number, frame in enumerate(video):
        grid[number // columns, :height, number % columns, :width] = frame
    whole = grid.reshape(rows * (height + 1), columns * (width + 1), channels)
    return whole[:-1, :-1]


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 `[height, width, 1 or 3]`, as the bytes of a PNG file."""
    file = io.BytesIO()
    _image(picture).save(file, format="PNG", optimize=True)
    return file.getvalue()


def animation(video: np.ndarray, *, frame_ms: int = 100) -> bytes:
    """A clip as an animated GIF that repeats for ever, enlarged by a whole number.

    Equal frames in a row are stored as one that shows longer.

    Args:
      video: uint8 `[frames, height, width, channels]`.
      frame_ms: how long each frame shows, in milliseconds.

    Returns:
      The bytes of the GIF file.
    """
    zoom = max(1, _SHOWN_WIDTH // video.shape[2])
    images = [
        _image(frame).resize(
            (frame.shape[1] * zoom, frame.shape[0] * zoom), Image.Resampling.NEAREST
        )
        for frame in video
    ]
    file = io.BytesIO()
    images[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=frame_ms,
        loop=0,
    )
    return file.getvalue()


def _image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
