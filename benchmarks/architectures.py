"""The CNN-LSTM and the ConvLSTM side by side."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.quantities import number_text, percent_text, ratio_text

NAMES = {"cnn_lstm": "CNN-LSTM", "conv_lstm": "ConvLSTM"}
_KINDS = {"train": "training step", "infer": "inference step"}


def table(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Headings, and a line for each figure that is known of one architecture or both.

    Args:
      results: as `series.load` returns them. Of those of "training" the figures of the
        fast layers are taken, of those of "recipes" accuracy and time.

    Returns:
      Lines of cells; the headings alone if the results tell nothing of the architectures.
    """
    lines = [["", *NAMES.values(), "ratio"]]
    for result in results:
        if result["benchmark"] == "training":
            lines += [*_of_training(result), *_of_accuracy(result)]
        elif result["benchmark"] == "recipes":
            lines += _of_recipes(result)
    return lines


def sentence(results: Sequence[Mapping[str, Any]]) -> str | None:
    """What the steps of both take, or None if no result has both."""
    for result in results:
        if result["benchmark"] != "training":
            continue
        times = [_figure(result, model, "train", "step_ms") for model in NAMES]
        if None in times or 0 in times:
            continue
        cnn_ms, conv_ms = (float(time or 0) for time in times)
        batch = result.get("batch_size")
        clips = "" if batch is None else f" with {batch} clips"
        return (
            f"A training step{clips} takes {number_text(cnn_ms)} ms with the CNN-LSTM and "
            f"{number_text(conv_ms)} ms with the ConvLSTM: {ratio_text(conv_ms / cnn_ms)} "
            "the time."
        )
    return None


def rates_of_fast_layers(
    result: Mapping[str, Any], kind: str
) -> dict[str, Mapping[str, Any]]:
    """The summary of each architecture's fast layers in a result of "training".

    Args:
      result: as `series.load` returns it.
      kind: 'train' or 'infer'.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for model, name in NAMES.items():
        summary = at(result, "models", model, kind, "ways", "fast")
        if isinstance(summary, dict):
            found[name] = summary
    return found


def at(value: Any, *path: str) -> Any:
    """What lies at a path of nested dictionaries, or None."""
    for level in path:
        if not isinstance(value, dict):
            return None
        value = value.get(level)
    return value


def _figure(result: Mapping[str, Any], model: str, kind: str, name: str) -> float | None:
    return _number(at(result, "models", model, kind, "ways", "fast", name))


def _number(value: Any) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if usable else None


def _of_training(result: Mapping[str, Any]) -> list[list[str]]:
    lines = []
    for kind, step in _KINDS.items():

        def of_fast(name: str, kind: str = kind) -> list[float | None]:
            return [_figure(result, model, kind, name) for model in NAMES]

        def of_kind(*path: str, kind: str = kind) -> list[float | None]:
            return [_number(at(result, "models", model, kind, *path)) for model in NAMES]

        lines += [
            _line(step, of_fast("step_ms"), _ms),
            _line(f"{step}, clips/s", of_fast("clips_per_s"), _clips_per_s),
            _line(f"{step}, vs. Keras's layers", of_kind(*_VS_STOCK), ratio_text),
            _line(f"{step}, of SGEMM", of_kind("fraction_of_sgemm"), percent_text),
            _line(f"{step}, the first", of_fast("first_step_s"), _s),
            _line(f"{step}, peak memory", of_fast("peak_mib"), _mib),
        ]
    return [line for line in lines if line[1:3] != ["-", "-"]]


def _of_accuracy(result: Mapping[str, Any]) -> list[list[str]]:
    """Medians over seeds, where all of them have come there."""

    def medians(figure: str) -> list[float | None]:
        return [
            _median_over_seeds(at(result, "accuracy", model, "fast"), figure)
            for model in NAMES
        ]

    lines = [
        _line("training to 0.99 accuracy", medians("train_s"), _s),
        _line("steps to 0.99 accuracy", medians("steps"), _count),
    ]
    return [line for line in lines if line[1:3] != ["-", "-"]]


def _median_over_seeds(runs: Any, figure: str) -> float | None:
    if not isinstance(runs, list) or not runs:
        return None
    values = [value for run in runs if (value := _number(at(run, figure))) is not None]
    return statistics.median(values) if len(values) == len(runs) else None


_VS_STOCK = ("fast_vs", "stock", "ratio")


def _of_recipes(result: Mapping[str, Any]) -> list[list[str]]:
    lines = []
    presets = result.get("recipes")
    for preset, models in presets.items() if isinstance(presets, dict) else ():
        recipe = f"recipe {preset}"
        for name, figure, form in (
            ("accuracy, least of seeds", "test_accuracy", _accuracy),
            ("training, longest", "train_s", _s),
        ):
            values = [_over_seeds(at(models, model), figure) for model in NAMES]
            lines.append(_line(f"{recipe}, {name}", values, form))
    return [line for line in lines if line[1:3] != ["-", "-"]]


def _over_seeds(runs: Any, figure: str) -> float | None:
    """The worst of all seeds."""
    if not isinstance(runs, list):
        return None
    values = [value for run in runs if (value := _number(at(run, figure))) is not None]
    if not values:
        return None
    return min(values) if figure == "test_accuracy" else max(values)


def _line(
    name: str, values: Sequence[float | None], form: Callable[[float], str]
) -> list[str]:
    first, second = values
    ratio = "-"
    # What is a ratio itself, or bounded by 1, is better read as it is.
    if first and second and form in (_ms, _clips_per_s, _s, _mib):
        ratio = ratio_text(second / first)
    return [name, *("-" if value is None else form(value) for value in values), ratio]


def _ms(value: float) -> str:
    return f"{number_text(value)} ms"


def _s(value: float) -> str:
    return f"{number_text(value)} s"


def _mib(value: float) -> str:
    return f"{value:,.0f} MiB"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _clips_per_s(value: float) -> str:
    return number_text(value)


def _accuracy(value: float) -> str:
    return f"{value:.3f}"
