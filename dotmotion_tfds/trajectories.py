"""From stored centres to frames, inside `tf.data`, Grain or plain NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dotmotion_tfds import motion, raster
from dotmotion_tfds.arrays import NUMPY
from dotmotion_tfds.configs import NamedConfig, resolve_config
from dotmotion_tfds.spec import ClipSpec, SpecError


def render(
    clip: Mapping[str, Any],
    config: str | ClipSpec | Mapping[str, Any] | NamedConfig = "trajectories",
) -> dict[str, Any]:
    """Adds the frames to clips that were stored without.

    Args:
      clip: one clip or a batch, with at least `centers`, int32 `[frames, 2]` or
        `[n, frames, 2]`, in pixels, those of clips of `config`. Tensors and NumPy arrays
        both do; with the latter, TensorFlow is not imported. A batch costs least: put
        `batch` before this.
      config: the configuration of the clips, as for `dotmotion_tfds.stream`.

    Returns:
      The same and `video`, uint8 `[frames, height, width, 1]` or with a batch dimension:
      the frames of `dotmotion_tfds.clips`, byte for byte.

    Raises:
      SpecError: if the centres have another shape, are arrays with values that this
        configuration does not have, or do not tell its frames. Centres of another
        configuration that it does have are drawn as its own.
    """
    named = resolve_config(config)
    spec = named.spec
    if not spec.is_drawn_from_centers:
        raise SpecError(
            f"the frames of config {named.name!r} do not follow from its centres: store "
            "them too, or make them with dotmotion_tfds.clips"
        )
    if "centers" not in clip:
        raise SpecError(
            f"the clip has no 'centers', only {', '.join(map(repr, clip))}: expected an "
            "element of the dataset"
        )
    centers = clip["centers"]
    shape = tuple(centers.shape)
    if len(shape) not in (2, 3) or shape[-2:] != (spec.frames, 2):
        raise SpecError(
            f"centers have shape {shape}: expected ({spec.frames}, 2) or "
            f"(n, {spec.frames}, 2) for config {named.name!r}"
        )
    if isinstance(centers, np.ndarray):
        _require_possible(named, centers)
        arrays = NUMPY
    else:
        # Whoever has a tensor has TensorFlow.
        from dotmotion_tfds.arrays_tensorflow import TENSORFLOW as arrays  # noqa: N811
    batch = centers if len(shape) == 3 else centers[np.newaxis]
    video = raster.render_dot(arrays, spec, batch)
    return {"video": video if len(shape) == 3 else video[0], **clip}


def _require_possible(named: NamedConfig, centers: np.ndarray) -> None:
    """NumPy would take a negative position for one from the end."""
    bounds = motion.center_tables(named.spec).bounds
    for axis, (name, (low, high)) in enumerate(zip(("row", "column"), bounds, strict=True)):
        values = centers[..., axis]
        if values.size and (values.min() < low or values.max() > high):
            raise SpecError(
                f"centers have a {name} of {values.min()} to {values.max()}, and those of "
                f"config {named.name!r} are from {low} to {high}: name the clips' config"
            )
