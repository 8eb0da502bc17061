import json

import pytest
import tensorflow as tf

from tests.conftest import SMALL_JSON, mirrored
from trainers import strategies
from trainers.options import OptionsError, resolve_options


def make_options(**given):
    return resolve_options(**{"config": SMALL_JSON, "batch_size": 4, **given})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mirrored", tf.distribute.MirroredStrategy),
        ("one_device", tf.distribute.OneDeviceStrategy),
    ],
)
def test_names_lead_to_strategies_on_the_whole_cpu(name, kind):
    strategy = strategies.make_strategy(make_options(strategy=name))
    assert isinstance(strategy, kind)
    assert strategy.num_replicas_in_sync == 1
    assert strategies.is_chief(strategy)
    assert strategies.describe(strategy).endswith("1 replica on CPU (no GPU is visible)")


def test_a_line_for_two_replicas():
    line = strategies.describe(mirrored(2))
    assert line == "MirroredStrategy, 2 replicas on CPU (no GPU is visible)"


def test_more_devices_than_the_process_has_are_refused():
    # The tests' process has two logical CPUs and TensorFlow has started.
    tf.config.list_logical_devices()
    with pytest.raises(OptionsError, match="already runs with 2 logical CPUs"):
        strategies.make_strategy(make_options(virtual_devices=4))


WORKERS = {"worker": ["a:1", "b:1", "c:1"]}


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ("", "TF_CONFIG is not set"),
        ("{", "expected the cluster as JSON"),
        ("[]", "expected the cluster as JSON"),
        (json.dumps({"cluster": WORKERS}), "expected the cluster as JSON"),
        ('{"cluster": {}, "task": {"type": "worker", "index": 0}}', "expected the cluster"),
        (
            json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 5}}),
            "expected",
        ),
        (json.dumps({"cluster": WORKERS, "task": {"type": "ps", "index": 0}}), "expected"),
        (json.dumps({"cluster": WORKERS, "task": {"index": 0}}), "expected the cluster"),
        (
            '{"cluster": {"worker": ["nonsense"]}, "task": {"type": "worker", "index": 0}}',
            "expected the cluster",
        ),
        (
            json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 0}}),
            "batch_size=4 is not divisible by 3 replicas",
        ),
    ],
)
def test_a_cluster_that_does_not_fit_is_refused(monkeypatch, cluster, message):
    monkeypatch.setenv("TF_CONFIG", cluster)
    with pytest.raises(OptionsError, match=message):
        strategies.make_strategy(make_options(strategy="multi_worker_mirrored"))
