"""Where and with what a figure was measured.

Examples:
  python -m benchmarks.fingerprint
      a short name of this machine and these versions, for names of files
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
from collections.abc import Mapping
from typing import Any

import psutil

_PACKAGES = ("tensorflow", "keras", "tensorflow-datasets", "numpy", "apache-beam", "torch")
# Variables that change how fast things are.
_PREFIXES = (
    "CUDA_VISIBLE_",
    "DOTMOTION_",
    "KERAS_BACKEND",
    "LD_PRELOAD",
    "MALLOC_",
    "MKL_",
    "OMP_",
    "OPENBLAS_",
    "TF_CPU_",
    "TF_DATA_",
    "TF_ENABLE_",
    "TF_FORCE_",
    "TF_GPU_",
    "TF_NUM_",
    "TF_XLA_",
    "XLA_",
)
_GPUS = pathlib.Path("/proc/driver/nvidia/gpus")
# What a name of files tells apart; the commit is not.
_NAMED = ("cpu", "cpus", "memory_gib", "gpus", "system", "python", "tensorflow", "keras")
_ROOT = pathlib.Path(__file__).parents[1]


def fingerprint() -> dict[str, Any]:
    """The machine, what is installed and set, and the commit, for a result file."""
    return {
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": _gpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "allocator": " ".join(platform.libc_ver()) or "unknown",
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(_PREFIXES)
        },
        "commit": _commit(),
    }


def short_name(found: Mapping[str, Any]) -> str:
    """A name of a machine and its versions, such as "2cpus-1a2b3c4d".

    Args:
      found: as `fingerprint` gives it.
    """
    told = json.dumps([found.get(field) for field in _NAMED])
    return f"{found['cpus']}cpus-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _gpus() -> list[str]:
    """The models of NVIDIA's GPUs, as their driver tells them."""
    lines = [
        line
        for path in sorted(_GPUS.glob("*/information"))
        for line in path.read_text().splitlines()
    ]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str | None:
    """The commit of the sources, with "+" if they were changed since."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


if __name__ == "__main__":
    print(short_name(fingerprint()))
