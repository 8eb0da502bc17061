"""What the layers have to know of the machine."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
import tensorflow as tf

# By the names that NumPy gives to what it found; one generation renamed them.
_LANES = {"AVX512F": 16, "AVX512_SKX": 16, "X86_V4": 16, "AVX2": 8, "X86_V3": 8}
_LEAST_LANES = 4


UseXla = bool | Literal["auto"]


@functools.cache
def float32_lanes() -> int:
    """How many float32 fit in a vector register of this processor: 4, 8 or 16."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    found = {*extensions["baseline"], *extensions.get("found", ())}
    return max((_LANES.get(name, 0) for name in found), default=0) or _LEAST_LANES


def has_gpu() -> bool:
    """Whether TensorFlow may use a GPU.

    The forms that suit a processor's caches and vector registers are not for a GPU.
    """
    # Unlike listing devices, asking for the visible ones does not start the runtime.
    return bool(tf.config.get_visible_devices("GPU"))


def wants_xla(use_xla: UseXla) -> bool:
    """Whether XLA is to compile what is done element by element.

    Args:
      use_xla: True, False, or 'auto' for where it was measured to be faster: on a CPU.
    """
    return not has_gpu() if use_xla == "auto" else bool(use_xla)


def require_use_xla(use_xla: UseXla) -> UseXla:
    """Checks the argument of a layer.

    Raises:
      ValueError: if it is neither a bool nor 'auto'.
    """
    if not isinstance(use_xla, bool) and use_xla != "auto":
        raise ValueError(
            f"use_xla={use_xla!r} is not usable: expected True, False or 'auto'"
        )
    return use_xla
