"""Keeping the memory of batches that are done with for the batches to come.

Where TensorFlow has oneDNN, which is on by default for recent x86 processors, tensors come
from a pool. Elsewhere they come from the C library, and glibc gives megabytes back to the
system as soon as a batch is done with; the next batch then faults in every page anew. That
halved the rate of a stream on two cores: 78,000 clips/s instead of 213,000. On two others,
for which oneDNN is off by default, stored raw clips came at 23,000 instead of 38,000.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Mapping

# Of <malloc.h>.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
# Blocks up to this size are kept: 2,000 clips of config `standard`.
_LARGEST_BYTES = 256 << 20
_SETTINGS = (
    (_MMAP_THRESHOLD, _LARGEST_BYTES),
    (_TRIM_THRESHOLD, 2 * _LARGEST_BYTES),
    (_TOP_PAD, 64 << 20),
)


def is_turned_off(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether `DOTMOTION_KEEP_MEMORY` says to leave the allocators alone."""
    return environ.get("DOTMOTION_KEEP_MEMORY", "").lower() in ("off", "0", "false")


@functools.cache
def keep_freed_memory() -> bool:
    """Has the C library keep up to 512 MiB of freed memory from now on.

    Does nothing if `DOTMOTION_KEEP_MEMORY=off`, if the environment has settings for the
    allocator already, or if the C library is not glibc.

    Returns:
      Whether it was told so.
    """
    if is_turned_off():
        return False
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        mallopt(parameter, value) == 1 for parameter, value in _SETTINGS
    )
