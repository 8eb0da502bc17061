"""Clips as still and moving pictures."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

# A dot of 6 pixels is hard to see on a screen of today.
_ZOOM = 3
_GAP_GREY = 96


def filmstrip(video: np.ndarray, *, columns: int = 5) -> np.ndarray:
    """All frames of a clip in a grid, row by row, with a grey line between them.

    Args:
      video: uint8 `[frames, height, width, 1]`.
      columns: frames in a row, at least 1.

    Returns:
      uint8 `[rows * (height + 1) - 1, columns * (width + 1) - 1, 1]`.
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
    """A picture, uint8 `[height, width, 1]`, as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture[..., 0]).save(file, format="PNG", optimize=True)
    return file.getvalue()


def animation(video: np.ndarray, *, frame_ms: int = 100) -> bytes:
    """A clip as an animated GIF that repeats for ever, three times as large.

    Equal frames in a row are stored as one that shows longer.

    Args:
      video: uint8 `[frames, height, width, 1]`.
      frame_ms: how long each frame shows, in milliseconds.

    Returns:
      The bytes of the GIF file.
    """
    images = [
        Image.fromarray(frame[..., 0]).resize(
            (frame.shape[1] * _ZOOM, frame.shape[0] * _ZOOM), Image.Resampling.NEAREST
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
