import json

import tensorflow as tf

from benchmarks.fingerprint import fingerprint


def test_a_fingerprint_tells_the_machine_and_the_versions():
    found = fingerprint()
    assert found["tensorflow"] == tf.__version__
    assert found["cpus"] >= 1
    assert found["memory_gib"] > 0
    assert found["cpu"]
    assert json.loads(json.dumps(found)) == found
