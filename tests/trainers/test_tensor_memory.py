import textwrap

import pytest

from tests.processes import python
from trainers import tensor_memory

# Without oneDNN, which has a pool of its own. Prints page faults of a turn that makes and
# frees 384 MB in blocks that are larger than what the C library keeps of its own accord.
PROGRAM = textwrap.dedent(
    """
    import os
    import resource
    from dotmotion_tfds import quiet_start
    from trainers import tensor_memory
    # What a trainer in the process of the tests has set.
    os.environ.pop("TF_CPU_ALLOCATOR_USE_BFC", None)
    uses_pool = tensor_memory.use_pool()
    quiet_start.import_tensorflow()
    import tensorflow as tf
    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        tensors = [tf.fill([16 << 20], float(number)) for number in range(6)]
        del tensors
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    print(uses_pool, min(faults() for _ in range(4)))
    """
)


def outcome(**env):
    done = python("-c", PROGRAM, env={"TF_ENABLE_ONEDNN_OPTS": "0", **env})
    assert done.returncode == 0, done.stderr
    uses_pool, faults = done.stdout.split()[-2:]
    return uses_pool == "True", int(faults)


def test_tensors_use_the_memory_of_earlier_ones():
    uses_pool, faults = outcome()
    assert uses_pool
    assert faults < 50
    uses_pool, faults = outcome(DOTMOTION_KEEP_MEMORY="off")
    assert not uses_pool
    # Pages have 4 kB, or 2 MB where the system gives large ones to all.
    assert faults > 100


def test_the_pool_may_have_the_memory_of_the_machine():
    environ = {}
    assert tensor_memory.use_pool(environ)
    assert int(environ["TF_CPU_BFC_MEM_LIMIT_IN_MB"]) > 256


@pytest.mark.parametrize("value", ["off", "0", "False"])
def test_it_can_be_turned_off(value):
    environ = {"DOTMOTION_KEEP_MEMORY": value}
    assert not tensor_memory.use_pool(environ)
    assert list(environ) == ["DOTMOTION_KEEP_MEMORY"]


def test_what_the_environment_says_stands():
    said = {"TF_CPU_ALLOCATOR_USE_BFC": "false", "TF_CPU_BFC_MEM_LIMIT_IN_MB": "1000"}
    environ = dict(said)
    assert not tensor_memory.use_pool(environ)
    assert environ == said
