"""Devices and small clips that the tests share."""

from __future__ import annotations

import functools
import os
import pathlib
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis
import pytest
import tensorflow as tf

import dotmotion_tfds

# A change is not judged by examples that the last one did not meet. New ones are tried with
# `--hypothesis-profile=explore`.
hypothesis.settings.register_profile("pinned", derandomize=True)
hypothesis.settings.register_profile("explore", derandomize=False, print_blob=True)
hypothesis.settings.load_profile("pinned")

# Odd sizes on purpose: 17 and 27 are odd after no and after one pooling.
SMALL_SPEC = dotmotion_tfds.ClipSpec(frames=5, height=17, width=27, dot_size=3, noise=0.5)
SMALL_JSON = '{"frames": 5, "height": 17, "width": 27, "dot_size": 3, "noise": 0.5}'


def pytest_configure(config: pytest.Config) -> None:
    """Splits the CPU, so that strategies with two replicas run in this process."""
    del config
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )


@functools.cache
def mirrored(replicas: int) -> tf.distribute.Strategy:
    """A strategy over logical CPUs; one for all tests of a process.

    Strategies of one process share the numbering of their collective operations: those
    of a second one would wait for the first one's.
    """
    return tf.distribute.MirroredStrategy([f"/cpu:{number}" for number in range(replicas)])


@pytest.fixture(autouse=True)
def _no_global_seed_stays() -> Iterator[None]:
    """Takes back a global seed, which would decide what later tests' shuffles do.

    The test cases of TensorFlow and TFDS set one and leave it.
    """
    yield
    tf.random.set_seed(None)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A root for built datasets that all tests of a process share and none changes."""
    return tmp_path_factory.mktemp("data")
