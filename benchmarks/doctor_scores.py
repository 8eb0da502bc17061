"""How the doctor has done on pipelines whose faults are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NEAR, _GOOD = 0.25, 0.95
# Of the time until AUTOTUNE last changes a number of the same pipeline that it has to find.
_SOON = 0.1
# What takes no longer is at its rate from the first elements on.
_AT_ONCE_SECONDS = 0.02


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """A line of headings, and one of cells for each pipeline.

    Args:
      result: of `python -m tests.benchmarks.doctor.collection`.
    """
    lines = [
        [
            "pipeline",
            "bottleneck",
            "prescribed",
            "expected, gained",
            "tuned is",
            "of the best by hand",
        ]
    ]
    for name, each in result["pipelines"].items():
        gains = "; ".join(
            f"{_expected_text(gain['predicted'])}, {gain['measured']:.2f}x"
            for gain in each["gains"]
        )
        named = "" if each["is_named"] else " (wrong)"
        cured = "" if each["is_cured"] else " (wrong)"
        lines.append(
            [
                name,
                f"{each['bottleneck']}{named}",
                f"{', '.join(each['prescribed']) or '-'}{cured}",
                gains,
                f"{each['tuned_vs_now']:.2f}x",
                f"{each['tuned_vs_best']:.2f}",
            ]
        )
    return lines


def parts(result: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """The summary as a table."""
    lines = [line.rpartition(": ") for line in summary(result)]
    return {"summary": [["", "pipelines"], *([name, count] for name, _, count in lines)]}


def summary(result: Mapping[str, Any]) -> list[str]:
    """What it comes to, in sentences."""
    every = list(result["pipelines"].values())
    faulty = [each for each in every if each["culprit"]]
    fine = [each for each in every if not each["culprit"]]
    tunable = [each for each in every if each["is_tunable"]]
    # Of what gains only together with other changes nothing is expected.
    gains = [
        gain for each in every for gain in each["gains"] if gain["predicted"] is not None
    ]
    near = [gain for gain in gains if _is_near(gain["predicted"], gain["measured"])]
    good = [each for each in tunable if each["tuned_vs_best"] >= _GOOD]
    compared = [each for each in tunable if each["autotune_converged_s"]]
    soon = [
        each
        for each in compared
        if each["settled_s"] <= max(_AT_ONCE_SECONDS, _SOON * each["autotune_converged_s"])
    ]
    return [
        f"culprit named: {sum(each['is_named'] for each in faulty)} of {len(faulty)}",
        f"cure prescribed: {sum(each['is_cured'] for each in faulty)} of {len(faulty)}",
        f"fine, and nothing prescribed: {sum(each['is_cured'] for each in fine)} of "
        f"{len(fine)}",
        f"gain within 25 % of the expected one: {len(near)} of {len(gains)}",
        f"tuned at 0.95 of the best by hand: {len(good)} of {len(tunable)}",
        f"tuned at its rate in 20 ms or a tenth of AUTOTUNE's time: {len(soon)} of "
        f"{len(compared)}",
    ]


def settled_s(arrivals: Sequence[float]) -> float:
    """Seconds after which elements come at 0.95 of the rate they have in the end.

    Args:
      arrivals: seconds at which elements came, after 0 for the beginning; 3 or more.
    """
    count = len(arrivals)
    middle = count // 2
    final = (count - 1 - middle) / (arrivals[-1] - arrivals[middle])
    # Over fewer elements the rate is that of chance, or of a buffer.
    window = max(2, count // 20)
    for first in range(count - window):
        if window / (arrivals[first + window] - arrivals[first]) >= _GOOD * final:
            return arrivals[first]
    return arrivals[-1]


def _expected_text(predicted: float | None) -> str:
    return "-" if predicted is None else f"{predicted:.2f}x"


def _is_near(predicted: float, measured: float) -> bool:
    return abs(predicted - measured) <= _NEAR * measured
