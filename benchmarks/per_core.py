"""What a core makes of clips by the stream, against the loop of the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.measure import Samples

# As people feed it, and without what feeding it costs.
LOOPS = ("notebook's loop", "notebook's loop alone")


def ratios(samples: Mapping[str, Samples], stream: str) -> dict[str, float]:
    """How many times the clips of each of `LOOPS` the stream makes in a second of CPU time.

    Args:
      samples: of these arms among others, with the notes of `batch_turns`.
      stream: name of the stream's arm.
    """
    stream_us = samples[stream].notes["cpu_us_per_clip"]
    return {
        name: round(samples[name].notes["cpu_us_per_clip"] / stream_us, 2) for name in LOOPS
    }


def parts(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """A table of a result that has these ratios as `stream_vs_loop_per_core`.

    Memset of as many bytes by one thread is what no pipeline that writes frames can pass.

    Args:
      result: with `ceilings` and `clip_bytes` too; what lacks any of them has no table.
    """
    found = result.get("stream_vs_loop_per_core")
    one_thread = result.get("ceilings", {}).get("memset_batch_1_threads")
    if found is None or one_thread is None or "clip_bytes" not in result:
        return {}
    memset_us = 1e6 * result["clip_bytes"] / one_thread["bytes_per_s"]
    lines = [["per core, against", "the stream makes", "memset would make"]]
    for name, ratio in found.items():
        of_loop = result["arms"][name]["cpu_us_per_clip"]
        lines.append([name, f"{ratio:.1f}x", f"{of_loop / memset_us:.1f}x"])
    return {"per_core": lines}


def notes(result: Mapping[str, Any]) -> list[str]:
    """The same in sentences."""
    return [
        f"the stream makes {ratio:.1f}x the clips of {name}, per core"
        for name, ratio in result.get("stream_vs_loop_per_core", {}).items()
    ]
