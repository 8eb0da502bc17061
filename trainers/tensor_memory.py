"""Keeping the memory of tensors from one training step to the next.

On a CPU, TensorFlow has a pool of memory for tensors only where oneDNN is on. Elsewhere
each tensor comes from the C library, which gives megabytes back to the system when they are
freed, and the next step faults in every page anew: 340,000 pages in a step of the ConvLSTM
with 32 clips, a third of its time on two cores without AVX-512. With TensorFlow's other
pool, which is off by default, steps were 1.47 times as fast there, and 1.21 times those of
stock layers (CNN-LSTM) in half of the memory; where oneDNN's pool was on, nothing changed.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from dotmotion_tfds import kept_memory

_USE_POOL = "TF_CPU_ALLOCATOR_USE_BFC"
_MOST_MIB = "TF_CPU_BFC_MEM_LIMIT_IN_MB"


def use_pool(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Has TensorFlow take tensors on the CPU from a pool, which it keeps until the end.

    To be called before TensorFlow starts any device. Does nothing if
    `DOTMOTION_KEEP_MEMORY=off`; what the environment says of the pool already stands.

    Args:
      environ: where TensorFlow looks for its settings.

    Returns:
      Whether the pool is on.
    """
    if kept_memory.is_turned_off(environ):
        return False
    # Its own limit is 64 GiB, on any machine.
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    environ.setdefault(_MOST_MIB, str(memory_bytes >> 20))
    return environ.setdefault(_USE_POOL, "true").lower() in ("true", "1")
