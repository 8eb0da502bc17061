"""Many short passes in one process: memory and descriptors stay what they were."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from tests.faults.runs import run

_PASSES = """
import gc, json, os, sys
from dotmotion_tfds import quiet_start
quiet_start.import_tensorflow()
import psutil
import dotmotion_tfds
process = psutil.Process()
found = []
for number in range(200):
    cache = sys.argv[1] if number % 2 else None
    stream = dotmotion_tfds.stream(
        config="notebook", batch_size=8, epochs=2, start_step=number % 5, cache=cache
    )
    for batch in stream.take(1 + number % 3):
        pass
    gc.collect()
    found.append((process.memory_info().rss, process.num_fds(), process.num_threads()))
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.fault(
    "200 short epochs that are left early",
    "memory grows by less than 0.1 MiB each, descriptors and threads do not",
)
def test_epochs_that_are_left_early_leave_nothing(tmp_path):
    done = run([sys.executable, "-c", _PASSES, str(tmp_path)], limit_s=600)
    assert done.returncode == 0, done.stderr
    memory, descriptors, threads = np.array(json.loads(done.stdout)).T
    # The first ones fill what is kept.
    steady = memory[50:] / 2**20
    slope = np.polyfit(np.arange(len(steady)), steady, 1)[0]
    assert slope < 0.1, f"{slope:.3f} MiB an epoch"
    assert descriptors[50:].max() <= descriptors[50] + 2
    assert threads[50:].max() <= threads[50] + 4
