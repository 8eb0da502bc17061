"""Result files for tests, as benchmarks write them."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import benchmarks

STORED = pathlib.Path(benchmarks.__file__).parent / "results"

FINGERPRINT = {
    "cpu": "Some Processor",
    "cpus": 2,
    "memory_gib": 23.5,
    "system": "Linux x86_64",
    "python": "3.11.7",
    "tensorflow": "2.21.0",
    "keras": "3.15.1",
    "commit": "0123abc",
    "environment": {"OMP_NUM_THREADS": None, "MALLOC_TRIM_THRESHOLD_": "1"},
}


def summary(
    unit: str, per_s: float, *, spread: float = 0.1, repeats: int = 5
) -> dict[str, Any]:
    """What `measure.Samples.summary` gives for rates around a median."""
    return {
        unit: 640,
        f"{unit}_per_s": per_s,
        f"{unit}_per_s_min": per_s * (1 - spread / 2),
        f"{unit}_per_s_max": per_s * (1 + spread / 2),
        "spread": spread,
        "drift": 1.0,
        "repeats": repeats,
    }


def plain(**rates: float) -> dict[str, Any]:
    """A result with nothing but arms that count clips."""
    arms = {name: summary("clips", per_s) for name, per_s in rates.items()}
    return {"benchmark": "plain", "fingerprint": FINGERPRINT, "arms": arms}


def of_arms(benchmark: str) -> dict[str, Any]:
    """A result of `benchmarks.input` or `benchmarks.peers`."""
    arms = {
        name: {
            "about": f"{name}, as people write it",
            "group": group,
            **summary("clips", per_s, spread=spread),
            "cpu_us_per_clip": 1e6 / per_s,
            "page_faults_per_clip": 3.2,
            "delivered_bytes_per_clip": size,
            "read_bytes_per_clip": 0.0,
            "fraction_of_memset": per_s * size / 20e9,
            "peak_mib": 812,
        }
        for name, group, per_s, spread, size in (
            ("notebook loop", "generation", 3100.0, 0.04, 130_000),
            ("row gather, vectorised, prefetched twice", "generation", 39e3, 0.2, 130_000),
            ("row gather, float32", "generation", 11e3, 0.2, 520_000),
            ("ours", "generation", 104e3, 0.1, 130_000),
            ("TFRecord, zlib", "stored", 4300.0, 0.5, 130_000),
            ("TFRecord, raw", "stored", 9283.0, 0.1, 130_000),
            ("cache before batch", "cache", 4300.0, 0.1, 130_000),
            ("cache after batch", "cache", 550e3, 0.02, 130_000),
        )
    }
    return {
        "benchmark": benchmark,
        "fingerprint": FINGERPRINT,
        "settings": {"batch_size": 64},
        "clip_bytes": 130_000,
        "arms": arms,
        "absent": {"NVIDIA DALI": "its wheel needs a driver that is not here"},
        "control": {"ratio": 0.97, "ratio_min": 0.95, "ratio_max": 0.99},
        "known_rate": {
            "expected_clips_per_s": 5000.0,
            "clips_per_s": 4987.0,
            "ratio": 0.997,
        },
        "ceilings": {
            "memset_1_threads": summary("bytes", 10.6e9),
            "memset_2_threads": summary("bytes", 20e9, spread=0.3),
            "memcpy_1_threads": summary("bytes", 12.8e9),
            "memcpy_2_threads": summary("bytes", 13.5e9),
        },
    }


def write(path: pathlib.Path, result: Any) -> str:
    """Writes a result file; returns its path."""
    path.write_text(json.dumps(result), encoding="utf-8")
    return str(path)
