"""Memory that goes back to the system with each element, and comes anew with the next.

On a CPU, TensorFlow takes large tensors from the C library unless oneDNN is on, and glibc
gives them back to the system as soon as they are freed: each page of the next one is then
cleared by the kernel before anything is written into it.
"""

from __future__ import annotations

import functools
import mmap
import resource
import time

import numpy as np

from benchmarks.doctor.advice import Advice
from benchmarks.doctor.rewrites import Rewrite, View, where
from benchmarks.doctor.timing import Timing

KEEP = "keep freed memory"
# Of the rate: it needs a setting of the whole process.
_LEAST_GAIN = 1.2
_SAMPLE_BYTES = 16 << 20
_SAMPLES = 3


def find(view: View, timed: Timing) -> Advice | None:
    """What it would gain at least to keep memory, if that is worth a setting.

    Args:
      view: the pipeline.
      timed: of the whole pipeline as it runs.
    """
    # What a cache or a buffer keeps has to come from the system once.
    faults = timed.page_faults - max(timed.grown_bytes, 0.0) / mmap.PAGESIZE
    wasted_s = max(faults, 0.0) * fault_s() / view.cores
    if timed.element_s <= 0 or wasted_s >= timed.element_s:
        return None
    gain = timed.element_s / (timed.element_s - wasted_s)
    if gain < _LEAST_GAIN:
        return None
    # Of those that give as much, the last, whose tensors are the largest.
    largest = max(
        (node for node in reversed(view.nodes) if node.tag in view.alone),
        key=lambda node: view.alone[node.tag].bytes * view.elements.get(node.tag, 0.0),
    )
    rewrite = Rewrite(
        KEEP,
        (largest.tag,),
        {},
        f"the kernel clears {faults:,.0f} pages for each element, since the memory of the "
        f"one before, most of it of {where(largest)}, was given back",
        "TF_CPU_ALLOCATOR_USE_BFC=true in the environment before TensorFlow starts, or "
        "MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ of some hundred megabytes",
    )
    return Advice(rewrite, gain)


@functools.cache
def fault_s() -> float:
    """What it takes to write to a page for the first time, more than the second, seconds.

    The least of some samples, so that it is rather too small.
    """
    return max(min(_sample() for _ in range(_SAMPLES)), 0.0)


def _sample() -> float:
    with mmap.mmap(-1, _SAMPLE_BYTES) as memory:
        pages = np.frombuffer(memory, np.uint8)[:: mmap.PAGESIZE]
        times = []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for value in (1, 2):
            begin = time.perf_counter()
            pages[:] = value
            times.append(time.perf_counter() - begin)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        del pages
    return (times[0] - times[1]) / max(faults, 1)
