"""How figures are written for people."""

from __future__ import annotations

# Rates of these are too large for thousands separators to help.
_SCALED = {"bytes": "B/s", "flops": "FLOP/s"}
_PREFIXES = ("", "k", "M", "G", "T", "P")


def rate_text(per_s: float, unit: str) -> str:
    """A rate with its unit, such as "47,874 clips/s" or "401 GFLOP/s".

    Args:
      per_s: units a second.
      unit: what is counted; "bytes" and "flops" are scaled.
    """
    if unit not in _SCALED:
        return f"{number_text(per_s)} {unit}/s"
    prefix = 0
    while per_s >= 999.5 and prefix < len(_PREFIXES) - 1:
        per_s /= 1000
        prefix += 1
    return f"{number_text(per_s)} {_PREFIXES[prefix]}{_SCALED[unit]}"


def number_text(value: float) -> str:
    """A number with three significant digits, or all of its digits before the point."""
    for limit, decimals in ((0.9995, 3), (9.995, 2), (99.95, 1)):
        if 0 < value < limit:
            return f"{value:.{decimals}f}"
    return f"{value:,.0f}"


def percent_text(fraction: float) -> str:
    """A fraction in percent, with a decimal where it is small."""
    return f"{fraction:.1%}" if abs(fraction) < 0.0995 else f"{fraction:.0%}"


def ratio_text(ratio: float) -> str:
    """A ratio with two decimals, or three significant digits beyond ten."""
    return f"{ratio:.2f}x" if ratio < 9.995 else f"{number_text(ratio)}x"
