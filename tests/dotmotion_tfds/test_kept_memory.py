import textwrap

import pytest

from tests.processes import python

# Without oneDNN, tensors come from the C library. Prints page faults a batch of 8 MB, in
# the best of several windows: in the first ones more batches may be in flight than before.
PROGRAM = textwrap.dedent(
    """
    import os
    import resource
    import sys
    os.environ.pop("TF_CPU_ALLOCATOR_USE_BFC", None)
    import dotmotion_tfds
    from dotmotion_tfds import kept_memory
    if len(sys.argv) > 1:
        options = {"config": "trajectories", "data_dir": sys.argv[1], "epochs": 100}
        batches = iter(dotmotion_tfds.stored(batch_size=64, **options))
    else:
        batches = iter(dotmotion_tfds.stream(batch_size=64))
    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(50):
            next(batches)
        return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 50
    least = min(faults() for _ in range(6))
    # Last: what it would do itself is not to be seen.
    print(kept_memory.keep_freed_memory(), least)
    """
)


def outcome(*arguments, **env):
    without_pool = {"TF_ENABLE_ONEDNN_OPTS": "0", **env}
    done = python("-c", PROGRAM, *arguments, env=without_pool)
    assert done.returncode == 0, done.stderr
    kept, faults = done.stdout.split()[-2:]
    return kept == "True", float(faults)


def test_a_stream_uses_the_memory_of_earlier_batches():
    kept, faults = outcome()
    assert kept
    assert faults < 20


def test_stored_batches_use_it_too(data_dir):
    kept, faults = outcome(str(data_dir))
    assert kept
    assert faults < 20


@pytest.mark.slow
def test_it_can_be_left_alone():
    # How much glibc keeps by itself differs from run to run.
    assert not outcome(DOTMOTION_KEEP_MEMORY="off")[0]


def test_what_the_environment_says_stands():
    kept, faults = outcome(MALLOC_MMAP_THRESHOLD_="131072")
    assert not kept
    assert faults > 60
