"""Training steps by where their batches come from: memory or the stream.

All sources feed the same model in the same process, a step of one after a step of another.
Processes differ by up to a fifth as long as they live, and a shared machine is faster and
slower by as much for seconds at a time: between sources with processes of their own, a
ratio of twelve rounds was off by 0.015 (standard error), and this way, of 160 steps in a
quarter of the time, by 0.005. What the stream makes ahead while another source has its step
slows that one, but little: 32 clips take 0.8 ms of processor time, by `benchmarks.input`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import keras_steps, measure, single_steps

_ONE, _AGAIN, _STREAM = "one batch in memory", "one batch again", "the stream"
# More than fit in a processor's cache, as batches that were just made do not stay in it.
_KEPT = 8
_SEVERAL = f"{_KEPT} batches in memory"
_SOURCES = {_ONE: 1, _AGAIN: 1, _SEVERAL: _KEPT, _STREAM: 0}


def measure_feed(
    model_name: str,
    weights: Any,
    batch_size: int,
    *,
    repeats: int,
    advance: Callable[[str], Any],
) -> dict[str, Any]:
    """Measures one model with fast layers on one device.

    Args:
      model_name: 'cnn_lstm' or 'conv_lstm'.
      weights: what all arms start from.
      batch_size: clips in a step.
      repeats: rounds that are counted.
      advance: called with the arm's name after each turn.

    Returns:
      Figures by source, the ratio of each source's rate to that on one batch in memory
      under 'of_one_batch', and 'control', the same arm twice.

    Raises:
      benchmarks.arms.MeasureError: if a turn fails, or the arms do not agree on the
        loss of the first batch.
    """
    sources = {
        source: keras_steps.Step("train", model_name, "fast", batch_size, kept)
        for source, kept in _SOURCES.items()
    }
    arms = single_steps.arms(sources, weights, "feed")
    samples = measure.compare(
        arms, repeats=repeats, order=_order(batch_size), advance=advance
    )
    return {
        "sources": {
            source: _summary(samples[source]) for source in _SOURCES if source != _AGAIN
        },
        "of_one_batch": {
            source: measure.ratio(samples, source, _ONE) for source in (_SEVERAL, _STREAM)
        },
        "control": measure.ratio(samples, _ONE, _AGAIN),
    }


def turns(batch_size: int, repeats: int) -> int:
    """How many turns `measure_feed` takes for one model."""
    return len(_order(batch_size)) * (repeats + 1)


def _order(batch_size: int) -> list[str]:
    return single_steps.order(_SOURCES, batch_size=batch_size)


def _summary(samples: measure.Samples) -> dict[str, Any]:
    return {
        **samples.summary("clips"),
        "step_ms": round(1000 * statistics.median(samples.seconds), 1),
        # Other notes are of the process, which all sources share.
        "input_wait_fraction": samples.notes["input_wait_fraction"],
    }


def table(feed: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each model and source.

    Args:
      feed: what `measure_feed` found, by model.
    """
    lines = [["model, fed from", "step", "input wait", "rate, of that on one batch"]]
    for model_name, found in feed.items():
        for source, figures in found["sources"].items():
            ratio = found["of_one_batch"].get(source, found["control"])
            told = "control " if source == _ONE else ""
            lines.append(
                [
                    f"{model_name}, {source}",
                    f"{figures['step_ms']:,.1f} ms",
                    f"{figures['input_wait_fraction']:.2%}",
                    f"{told}{ratio['ratio']:.3f} "
                    f"({ratio['ratio_min']:.3f} to {ratio['ratio_max']:.3f})",
                ]
            )
    return lines
