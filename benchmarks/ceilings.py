"""What this machine can do at best: the yardstick for rates of frames and of steps."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
from collections.abc import Callable

import numpy as np

from benchmarks.measure import Arm, Work
from dotmotion_tfds import quiet_start

# Far beyond any cache, as a stream of batches is.
_BUFFER_BYTES = 256 << 20
_MATRIX_LENGTH = 2048
_PRODUCTS = 8


def memory_arms() -> list[Arm]:
    """Memset and memcpy with one thread and with all; items are bytes written."""
    threads = os.cpu_count() or 1
    counts = [1] if threads == 1 else [1, threads]
    return [
        Arm(name=f"{name}_{count}_threads", prepare=prepare, arguments=(count,))
        for name, prepare in (("memset", _prepare_memset), ("memcpy", _prepare_memcpy))
        for count in counts
    ]


def sgemm_arm() -> Arm:
    """Products of float32 matrices by TensorFlow; items are floating-point operations."""
    return Arm(name="sgemm", prepare=_prepare_sgemm)


def _prepare_sgemm() -> Callable[[], Work]:
    quiet_start.import_tensorflow()
    import tensorflow as tf

    ones = tf.ones((_MATRIX_LENGTH, _MATRIX_LENGTH))
    product = tf.function(lambda: tf.matmul(ones, ones))

    def turn() -> Work:
        corner = 0
        for _ in range(_PRODUCTS):
            corner = int(product()[0, 0])
        return Work(count=_PRODUCTS * 2 * _MATRIX_LENGTH**3, checksum=corner)

    return turn


def _prepare_memset(threads: int) -> Callable[[], Work]:
    target = np.ones(_BUFFER_BYTES, np.uint8)
    return _in_threads(threads, lambda part: np.copyto(target[part], 7), target)


def _prepare_memcpy(threads: int) -> Callable[[], Work]:
    source = np.full(_BUFFER_BYTES, 7, np.uint8)
    target = np.ones(_BUFFER_BYTES, np.uint8)
    return _in_threads(threads, lambda part: np.copyto(target[part], source[part]), target)


def _in_threads(
    threads: int, work_on: Callable[[slice], None], target: np.ndarray
) -> Callable[[], Work]:
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    edges = [_BUFFER_BYTES * number // threads for number in range(threads + 1)]
    parts = [slice(low, high) for low, high in itertools.pairwise(edges)]

    def turn() -> Work:
        list(pool.map(work_on, parts))
        return Work(count=_BUFFER_BYTES, checksum=int(target[0]) + int(target[-1]))

    return turn
