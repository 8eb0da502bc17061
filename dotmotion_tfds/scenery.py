"""What a clip shows besides the dot's own path: colour, distractors, a gap, sensor noise.

All of it is drawn from the clip's index and has nothing to do with its class. Every
function takes the array operations to use, what the clips look like, int64 indices `[n]`
that are not negative, the split's name and the dataset's seed in [0, 2**63).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from dotmotion_tfds import splitmix
from dotmotion_tfds.arrays import Arrays
from dotmotion_tfds.motion import rounded_normal
from dotmotion_tfds.spec import ClipSpec

# Each has at least one of red, green and blue; grey has one colour only.
COLORS = {
    1: np.ones((1, 1), np.uint8),
    3: np.array([[n >> 2 & 1, n >> 1 & 1, n & 1] for n in range(1, 8)], np.uint8),
}
_LEVELS = 256
# Distractors move by whole sixteenths of a pixel a frame.
_SUBPIXELS = 16


def colors(xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int) -> Any:
    """The dots' colour in each clip.

    Returns:
      int64 `[n]`, rows of `COLORS[spec.channels]`.
    """
    draw = _draws(xp, indices, split, seed, "color", 1)[:, 0]
    return xp.int64(_below(xp, draw, len(COLORS[spec.channels])))


def distractor_centers(
    xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int
) -> Any:
    """Centres of the distractors, which move evenly and bounce off the frame's edges.

    Their speed is uniform: at most two frame lengths in the time of a clip along each
    axis, about twice that of an ascending dot.

    Returns:
      int32 `[n, frames, distractors, 2]`, (row, column) in pixels, inside the frame.
    """
    count = spec.distractors
    draws = _draws(xp, indices, split, seed, "distractors", count * 4)
    draws = xp.reshape(draws, (-1, 1, count, 2, 2))
    length = np.array([spec.height, spec.width], np.uint64) * np.uint64(_SUBPIXELS)
    fastest = length * np.uint64(2) // np.uint64(spec.frames) + np.uint64(1)
    start = xp.int32(_below(xp, draws[..., 0], length))
    speeds = fastest * np.uint64(2) + np.uint64(1)
    speed = xp.int32(_below(xp, draws[..., 1], speeds)) - fastest.astype(np.int32)
    frames = np.arange(spec.frames, dtype=np.int32).reshape(-1, 1, 1)
    # Unfolded at the edges, a path that bounces is a straight line.
    there_and_back = 2 * length.astype(np.int32)
    unfolded = (start + speed * frames) % there_and_back
    return xp.minimum(unfolded, there_and_back - 1 - unfolded) // _SUBPIXELS


def shows(xp: Arrays, spec: ClipSpec, indices: Any, *, split: str, seed: int) -> Any:
    """Whether the dot shows in each frame; it does not in the clip's one gap.

    Returns:
      bool `[n, frames]`.
    """
    draw = _draws(xp, indices, split, seed, "gap", 1)
    start = xp.int32(_below(xp, draw, spec.frames - spec.occluded_frames + 1))
    frames = np.arange(spec.frames, dtype=np.int32)[np.newaxis]
    return (frames < start) | (frames >= start + spec.occluded_frames)


def noisy(
    xp: Arrays, spec: ClipSpec, lit: Any, indices: Any, *, split: str, seed: int
) -> Any:
    """The values of pixels with sensor noise, around the level of dot or ground.

    A value is one of the 256 quantiles of a normal distribution, so that one hash makes
    eight of them, clipped to 0..255. `lit` is uint8 `[n, frames, height, width,
    channels]`, 1 on dots and 0 elsewhere.

    Returns:
      uint8 `[n, frames, height, width, channels]`.
    """
    hashes = _draws(xp, indices, split, seed, "noise", -(-spec.clip_bytes // 8))
    noise = xp.reshape(xp.bytes_of(hashes), (-1, -(-spec.clip_bytes // 8) * 8))
    noise = xp.reshape(noise[:, : spec.clip_bytes], (-1, *spec.video_shape))
    on_ground, on_dot = (xp.translate(levels, noise) for levels in noise_levels(spec))
    # Bytes wrap around, so this selects without a branch.
    return on_ground + lit * (on_dot - on_ground)


@functools.lru_cache(maxsize=32)
def noise_levels(spec: ClipSpec) -> np.ndarray:
    """What each of 256 equally likely draws makes of a pixel, uint8 `[2, 256]`.

    First on the ground and then on a dot: the distribution of `round(level + sensor_noise
    * n)`, n ~ N(0, 1), to a 512th, clipped to 0..255.
    """
    middles = [(2 * draw + 1) << (64 - 9) for draw in range(_LEVELS)]
    tables = []
    for level in (spec.ground_level, spec.ground_level + spec.contrast):
        lowest, thresholds = rounded_normal(level, spec.sensor_noise)
        tables.append(
            [
                lowest + sum(threshold < middle for threshold in thresholds)
                for middle in middles
            ]
        )
    clipped = np.clip(tables, 0, _LEVELS - 1).astype(np.uint8)
    clipped.setflags(write=False)
    return clipped


def _draws(
    xp: Arrays, indices: Any, split: str, seed: int, purpose: str, count: int
) -> Any:
    """Hashes for one purpose, uint64 `[n, count]`."""
    key = splitmix.stream_key(seed, split, purpose)
    clip_keys = splitmix.draws(xp, xp.uint64(key), xp.uint64(indices))
    counter = np.arange(count, dtype=np.uint64)[np.newaxis]
    return splitmix.draws(xp, clip_keys[:, np.newaxis], xp.uint64(counter))


def _below(xp: Arrays, draws: Any, limit: Any) -> Any:
    """Integers in [0, limit) from hashes, each as likely to 2**-32 of its chance."""
    return xp.shift_right(xp.shift_right(draws, 32) * xp.uint64(limit), 32)
