"""Threads that take elements ahead."""

import numpy as np

from benchmarks.doctor import prefetch_rewrites
from tests.benchmarks.doctor.rewritable import kinds, numbers, running, widen


def test_stages_with_threads_of_their_own_need_no_prefetch_between():
    parallel = numbers().map(widen, num_parallel_calls=2).batch(3).prefetch(1)
    assert kinds(prefetch_rewrites, parallel) == []
    ahead = numbers().prefetch(1).scan(np.int64(0), running).prefetch(1).batch(3)
    assert kinds(prefetch_rewrites, ahead.prefetch(1)) == []
