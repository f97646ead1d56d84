"""Numbers as people read them: a length, a time and a size with their units."""

from __future__ import annotations

import math


def tokens(count: int) -> str:
    """A sequence length: `4096` is `4k`, `1536` is `1.5k`, `1000` stays `1000`."""
    if count >= 1024 and count % 512 == 0:
        return f"{count / 1024:g}k"
    return str(count)


def duration(milliseconds: float) -> str:
    """A time with three significant digits: `0.0123 ms`, `12.3 ms`, `1.23 s`."""
    if _rounded(milliseconds) >= 1000:
        return f"{_three(milliseconds / 1000)} s"
    return f"{_three(milliseconds)} ms"


def measured(median: float, low: float, high: float) -> str:
    """A median with its interval, in the median's unit: `12.3 ms (12.1–12.6)`.

    Without an interval (an end is NaN) the median alone.
    """
    if math.isnan(low) or math.isnan(high):
        return duration(median)
    scale = 1000 if _rounded(median) >= 1000 else 1
    return f"{duration(median)} {span(low / scale, high / scale)}"


def span(low: float, high: float) -> str:
    """An interval without its unit: `(12.1–12.6)`."""
    return f"({_three(low)}–{_three(high)})"


def size(count: float) -> str:
    """A number of bytes with three significant digits, in powers of 1024: `1.50 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if _rounded(value) < 1024:
            return f"{count} B" if unit == "B" else f"{_three(value)} {unit}"
        value /= 1024
    return f"{_three(value)} TiB"


def factor(ratio: float) -> str:
    """How many times: `1.04×`, `12.3×`, `350×`."""
    return f"{_three(ratio)}×"


def percent(share: float) -> str:
    """A share of 1 with two significant digits: `3.4%`, `12%`, `100%`, `0.52%`; `1%` is itself."""
    return f"{float(f'{100 * share:.2g}'):g}%"


def scientific(value: float) -> str:
    """A small error with two digits: `3.1e-07`; an exact zero is `0`."""
    return "0" if value == 0 else f"{value:.1e}"


def distance(value: float) -> str:
    """A distance to full attention: `0.412`, `3.0e-07`, or empty where there is none."""
    if math.isnan(value):
        return ""
    return f"{value:.3f}" if value >= 0.001 else scientific(value)


def cosine(value: float) -> str:
    """A cosine with three decimals: `0.912`, or empty where there is none."""
    return "" if math.isnan(value) else f"{value:.3f}"


def _rounded(value: float) -> float:
    """The value as three significant digits show it."""
    return float(f"{value:.3g}") if value < 1000 else float(round(value))


def _three(value: float) -> str:
    """Three significant digits, without an exponent: 0.0123, 1.23, 12.3, 1234."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(float(f"{abs(value):.2e}")))
    return f"{value:.{max(0, 2 - exponent)}f}"
