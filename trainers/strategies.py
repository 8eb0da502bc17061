"""From a strategy's name to a `tf.distribute.Strategy` over the devices there are."""

from __future__ import annotations

import json
import os

import tensorflow as tf

from trainers.options import OptionsError, TrainOptions, require_divisible

# MultiWorkerMirroredStrategy is only a name for this class.
_NAMES = {"CollectiveAllReduceStrategy": "MultiWorkerMirroredStrategy"}


def make_strategy(options: TrainOptions) -> tf.distribute.Strategy:
    """Makes the strategy that the options name.

    To be called before TensorFlow starts any device: it may split the CPU, and a
    multi-worker strategy has to set up its collectives first.

    Args:
      options: the run's options.

    Returns:
      The strategy. 'mirrored' spans all visible GPUs, or the logical CPUs asked for, or
      the CPU. 'multi_worker_mirrored' takes its cluster from `TF_CONFIG`.

    Raises:
      OptionsError: if the batch does not split evenly over the replicas, the devices do
        not suit the precision, or `TF_CONFIG` is missing or malformed.
    """
    if options.virtual_devices:
        _split_cpu(options.virtual_devices)
    _require_precision(options.precision)
    if options.strategy == "multi_worker_mirrored":
        _require_cluster(options.batch_size)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif options.strategy == "one_device":
        strategy = tf.distribute.OneDeviceStrategy(_devices(options)[0])
    else:
        strategy = tf.distribute.MirroredStrategy(_devices(options))
    require_divisible(options.batch_size, strategy.num_replicas_in_sync)
    return strategy


def _require_precision(precision: str) -> None:
    if precision == "mixed_float16" and not tf.config.get_visible_devices("GPU"):
        raise OptionsError(
            "precision='mixed_float16' and no GPU is visible: a CPU has no fast kernels "
            "for it; use precision='mixed_bfloat16' or 'float32'"
        )


def describe(strategy: tf.distribute.Strategy) -> str:
    """One line: the strategy, its replicas and the devices they run on."""
    replicas = strategy.num_replicas_in_sync
    devices = [
        tf.DeviceSpec.from_string(device) for device in strategy.extended.worker_devices
    ]
    name = type(strategy).__name__
    kinds = sorted({str(device.device_type) for device in devices})
    line = (
        f"{_NAMES.get(name, name)}, {replicas} replica{'s' if replicas > 1 else ''} on "
        f"{' and '.join(kinds)}"
    )
    if kinds == ["CPU"] and not tf.config.list_physical_devices("GPU"):
        line += " (no GPU is visible)"
    return line


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run's files."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return True
    return (resolver.task_type, resolver.task_id) in {("chief", 0), ("worker", 0)} and (
        resolver.task_type == "chief" or "chief" not in resolver.cluster_spec().jobs
    )


def _devices(options: TrainOptions) -> list[str]:
    if not options.virtual_devices:
        gpus = tf.config.list_logical_devices("GPU")
        if gpus:
            return [f"/gpu:{number}" for number in range(len(gpus))]
    return [f"/cpu:{number}" for number in range(max(1, options.virtual_devices))]


def _split_cpu(parts: int) -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    wanted = [tf.config.LogicalDeviceConfiguration()] * parts
    if tf.config.get_logical_device_configuration(cpu) == wanted:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, wanted)
    except RuntimeError:
        running = len(tf.config.list_logical_devices("CPU"))
        if running < parts:
            raise OptionsError(
                f"virtual_devices={parts}, but TensorFlow already runs with {running} "
                "logical CPUs: make the strategy before any other TensorFlow call"
            ) from None


def _require_cluster(batch_size: int) -> None:
    text = os.environ.get("TF_CONFIG", "")
    example = (
        '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    try:
        parsed = json.loads(text)
        cluster, task = parsed["cluster"], parsed["task"]
        hosts = [host for kind in ("chief", "worker") for host in cluster.get(kind, [])]
        workers = len(hosts)
        known = {"chief", "worker"} >= {*cluster, task["type"]}
        addressed = all(host.rpartition(":")[2].isdigit() for host in hosts)
        if not (known and addressed and cluster[task["type"]]):
            raise ValueError("not a cluster of workers")
        if task["index"] not in range(len(cluster[task["type"]])):
            raise ValueError("not a task of the cluster")
    except (ValueError, KeyError, TypeError, AttributeError):
        came = f"TF_CONFIG={text!r}" if text else "TF_CONFIG is not set"
        raise OptionsError(
            f"strategy 'multi_worker_mirrored': {came}; expected the cluster as JSON, "
            f"such as {example}"
        ) from None
    require_divisible(batch_size, workers)
