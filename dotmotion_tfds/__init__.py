"""Moving-dot clips: a TFDS dataset and a `tf.data` stream of the same bytes.

Importing this package registers the TFDS builder `moving_dot`. TensorFlow itself is only
imported when `stream`, `stored` or `clips` is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dotmotion_tfds.configs import CONFIGS, NamedConfig, resolve_config
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import (
    Builder as _Builder,  # noqa: F401  (registers `moving_dot` with TFDS)
)
from dotmotion_tfds.spec import CLASS_NAMES, SPLITS, ClipSpec, SpecError
from dotmotion_tfds.trajectories import render
from dotmotion_tfds.version import __version__

if TYPE_CHECKING:
    from dotmotion_tfds.storage import stored
    from dotmotion_tfds.streaming import clips, stream

__all__ = [
    "CLASS_NAMES",
    "CONFIGS",
    "SPLITS",
    "ClipSpec",
    "NamedConfig",
    "SpecError",
    "__version__",
    "clips",
    "render",
    "resolve_config",
    "stored",
    "stream",
]

_LAZY = {
    "clips": "dotmotion_tfds.streaming",
    "stored": "dotmotion_tfds.storage",
    "stream": "dotmotion_tfds.streaming",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
