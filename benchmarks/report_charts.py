"""Charts of rates as Plotly figures, for a page of any width.

A row has its name and its figure in a line of their own above the bar, not beside it: so
names fit on a phone. All text is escaped, since Plotly takes part of HTML as markup.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from benchmarks.quantities import rate_text
from benchmarks.rooflines import Roofline
from benchmarks.series import Rate

# Both stand out from a light ground and from a dark one by more than 3 to 1.
_BLUE = "#3d84c6"
_ORANGE = "#cf7420"
# Labels of an axis that fit next to each other on a phone.
_MOST_TICKS = 5
_GREY = "#80868d"
_ROW_PIXELS = 46
_MARGIN_PIXELS = 52
_LABEL_SHIFT_PIXELS = 17
_BAR_ROWS = 0.3
# A row of 320 pixels has room for these and the figure.
_LABEL_LETTERS = 30


def bars(rates: Sequence[Rate], *, highlighted: Sequence[str] = ()) -> dict[str, Any]:
    """Horizontal bars from zero with whiskers from the least to the greatest.

    Args:
      rates: of one unit, from top to bottom; at least one.
      highlighted: names of rates with another colour.

    Returns:
      A Plotly figure: "data" and "layout", made of what JSON has.
    """
    colours = [_ORANGE if rate.name in highlighted else _BLUE for rate in rates]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [rate.per_s for rate in rates],
        "y": list(range(len(rates))),
        "width": _BAR_ROWS,
        "marker": {"color": colours},
        **_whiskers(rates),
        **_hover(rates),
    }
    highest = max(max(rate.high, rate.per_s) for rate in rates)
    axis = {"range": [0, 1.03 * highest or 1], "rangemode": "tozero", "nticks": 6}
    return {"data": [trace], "layout": _layout(rates, axis)}


def roofline(found: Roofline) -> dict[str, Any]:
    """What was achieved below the ceilings, on a logarithmic axis.

    Args:
      found: the rates and their ceilings.

    Returns:
      A Plotly figure; each ceiling has a row, and a line down through the others.
    """
    ceilings = sorted(found.ceilings, key=lambda rate: rate.per_s)
    rates = [*ceilings, *found.achieved]
    positions = list(range(len(rates)))
    count = len(ceilings)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [rate.per_s, rate.per_s],
            "y": [number, len(rates) - 0.5],
            "line": {"color": _GREY, "width": 1.5, "dash": "dash"},
            "hoverinfo": "skip",
        }
        for number, rate in enumerate(ceilings)
    ]
    for some, numbers, colour, symbol in (
        (ceilings, positions[:count], _GREY, "diamond"),
        (found.achieved, positions[count:], _BLUE, "circle"),
    ):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [rate.per_s for rate in some],
                "y": numbers,
                "marker": {"color": colour, "size": 11, "symbol": symbol},
                **_whiskers(some),
                **_hover(some),
            }
        )
    least = min(rate.low or rate.per_s for rate in rates)
    greatest = max(rate.high for rate in rates)
    axis = {
        "type": "log",
        "range": [math.log10(least / 1.6), math.log10(greatest * 1.6)],
        "tickvals": _log_ticks(least / 1.6, greatest * 1.6),
    }
    layout = _layout(rates, axis)
    layout["shapes"] = [
        {
            "type": "line",
            "layer": "below",
            "xref": "x",
            "x0": least / 1.6,
            "x1": rate.per_s,
            "y0": number,
            "y1": number,
            "line": {"color": _GREY, "width": 1},
            "opacity": 0.6,
        }
        for number, rate in enumerate(rates)
    ]
    return {"data": traces, "layout": layout}


def description(rates: Sequence[Rate]) -> str:
    """What a chart shows, for those who do not see it."""
    return "; ".join(f"{rate.name}: {_value(rate)}" for rate in rates)


def _value(rate: Rate) -> str:
    return rate_text(rate.per_s, rate.unit)


def _whiskers(rates: Sequence[Rate]) -> dict[str, Any]:
    return {
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(rate.high - rate.per_s, 0) for rate in rates],
            "arrayminus": [max(rate.per_s - rate.low, 0) for rate in rates],
            "color": _GREY,
            "thickness": 1.5,
            "width": 5,
        }
    }


def _hover(rates: Sequence[Rate]) -> dict[str, Any]:
    texts = [
        f"{rate.name}: {_value(rate)}, {rate_text(rate.low, rate.unit)} to "
        f"{rate_text(rate.high, rate.unit)} in {rate.repeats} turns"
        for rate in rates
    ]
    return {
        "hovertext": [html.escape(text) for text in texts],
        "hoverinfo": "text",
    }


def _log_ticks(low: float, high: float) -> list[float]:
    """A few round numbers: Plotly's own lie on each other where an axis is short."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1,)):
        ticks = [
            digit * 10.0**decade
            for decade in decades
            for digit in digits
            if low <= digit * 10.0**decade <= high
        ]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks[:: math.ceil(len(ticks) / _MOST_TICKS) or 1]


def _layout(rates: Sequence[Rate], axis: dict[str, Any]) -> dict[str, Any]:
    unit = {"bytes": "B", "flops": "FLOP"}.get(rates[0].unit, rates[0].unit)
    labels = []
    for position, rate in enumerate(rates):
        sides = ((0, "left", _shortened(rate.name)), (1, "right", _value(rate)))
        for place, anchor, text in sides:
            labels.append(
                {
                    "xref": "paper",
                    "x": place,
                    "xanchor": anchor,
                    "yref": "y",
                    "y": position,
                    "yshift": _LABEL_SHIFT_PIXELS,
                    "text": html.escape(text),
                    "showarrow": False,
                    "font": {"size": 14},
                }
            )
    return {
        "height": len(rates) * _ROW_PIXELS + _MARGIN_PIXELS,
        "margin": {"l": 2, "r": 10, "t": 4, "b": _MARGIN_PIXELS - 4},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "annotations": labels,
        "xaxis": {
            "fixedrange": True,
            "tickformat": "~s",
            "ticklabeloverflow": "hide past div",
            "title": {"text": html.escape(f"{unit}/s"), "standoff": 6},
            **axis,
        },
        "yaxis": {
            "fixedrange": True,
            "visible": False,
            # A label stands above the first bar, and nothing below the last.
            "range": [len(rates) - 0.7, -0.7],
        },
    }


def _shortened(name: str) -> str:
    return name if len(name) <= _LABEL_LETTERS else f"{name[: _LABEL_LETTERS - 1]}\u2026"
