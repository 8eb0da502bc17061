"""Writing shards with Apache Beam, for builds beyond one machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from etils import epath

from dotmotion_tfds import shards


def write_all(
    planned: Sequence[shards.Shard], *, runner: Any, options: Any, results: epath.Path
) -> list[int]:
    """Writes shards, each by one worker; the files are those of a build without Beam.

    Args:
      planned: what to write. All workers have to see the same file system, and need this
        package.
      runner: a Beam runner, its name, or None for what the options say.
      options: `PipelineOptions`, or None.
      results: a file that does not exist, on the same file system; removed again.

    Returns:
      For each shard the sum of the lengths of its records, in bytes.

    Raises:
      OSError: if a file can't be written.
    """
    try:
        with beam.Pipeline(runner=runner, options=options) as pipeline:
            _ = (
                pipeline
                | "Plan" >> beam.Create(list(enumerate(planned)))
                # Else a runner may fuse all shards into the one task that lists them.
                | "Spread" >> beam.Reshuffle()
                | "Write" >> beam.MapTuple(_write)
                | "Collect" >> beam.combiners.ToList()
                | "Report" >> beam.Map(_report, path=str(results))
            )
    except RuntimeError as error:
        # Runners hand on a worker's traceback as text.
        raise OSError(str(error).strip().splitlines()[-1]) from error
    num_bytes = dict(json.loads(results.read_text()))
    results.unlink()
    return [num_bytes[number] for number in range(len(planned))]


def _write(number: int, shard: shards.Shard) -> tuple[int, int]:
    return number, shards.write(shard)


def _report(written: list[tuple[int, int]], path: str) -> None:
    epath.Path(path).write_text(json.dumps(written))
