"""What this machine can do at best: the yardstick for rates of frames and of steps."""

from __future__ import annotations

import concurrent.futures
import ctypes
import itertools
import os
import time
from collections.abc import Callable

import numpy as np

from benchmarks.arms import Arm, Work
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


def batch_memset_arms(batch_bytes: int) -> list[Arm]:
    """Memset of batches whose memory is used again, with one thread and with all.

    What stays in the processor's caches is set several times as fast as memory far beyond
    them, so this is the ceiling for pipelines that keep few batches at a time. By the C
    library's memset, which need not read what it overwrites. Items are bytes written.

    Args:
      batch_bytes: bytes of a batch.
    """
    threads = os.cpu_count() or 1
    return [
        Arm(
            name=f"memset_batch_{count}_threads",
            prepare=_prepare_batch_memset,
            arguments=(count, batch_bytes),
        )
        for count in ([1] if threads == 1 else [1, threads])
    ]


def memset_bytes_per_s(batch_bytes: int) -> float:
    """What all threads together can write, measured once, here and now, in 0.2 s.

    Args:
      batch_bytes: as for `batch_memset_arms`.
    """
    turn = _prepare_batch_memset(os.cpu_count() or 1, batch_bytes)
    turn()
    start = time.perf_counter()
    return turn().count / (time.perf_counter() - start)


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


def _prepare_batch_memset(threads: int, batch_bytes: int) -> Callable[[], Work]:
    memset = ctypes.CDLL(None).memset
    memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    # One batch is read while the next one is written.
    buffers = [[np.ones(batch_bytes, np.uint8) for _ in range(2)] for _ in range(threads)]
    rounds = max(1, 4 * _BUFFER_BYTES // (threads * batch_bytes))

    def fill(pair: list[np.ndarray]) -> None:
        for number in range(rounds):
            memset(pair[number % 2].ctypes.data, 7, batch_bytes)

    def turn() -> Work:
        list(pool.map(fill, buffers))
        return Work(count=threads * rounds * batch_bytes, checksum=int(buffers[-1][0][-1]))

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
