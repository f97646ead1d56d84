"""Axes with ticks that people read: 4k, 10 ms, 1 MiB, 2 TFLOP/s."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from reports import units

LENGTHS_WITHOUT_THINNING = 9
LENGTH_GAP = 0.09
"""How far two ticks of lengths lie apart at least, as a share of the axis."""
LONGEST_LINEAR_DISTANCE = 3.0
DISTANCE_FLOOR = 0.01
TICK_MARGIN = 0.02
"""How far a tick lies inside the axis at least, in decades."""
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def length_axis(lengths: Iterable[int]) -> dict[str, Any]:
    """A logarithmic T axis with ticks at measured lengths: of many, at those with room for one."""
    found = sorted(set(lengths)) or [1024]
    margin = 0.08 * max(math.log10(found[-1] / found[0]), 1.0)
    low, high = math.log10(found[0]) - margin, math.log10(found[-1]) + margin
    ticks = _with_room(found, LENGTH_GAP * (high - low))
    return {
        "type": "log",
        "title": {"text": "sequence length T (tokens)"},
        "tickvals": ticks,
        "ticktext": [units.tokens(T) for T in ticks],
        "range": [low, high],
    }


def _with_room(lengths: list[int], gap: float) -> list[int]:
    """The lengths that lie a gap apart, in decades; powers of two first, and the longest of all."""
    # The longest always has its tick: it is the one that the text speaks of.
    kept: list[int] = []
    for T in sorted(lengths, key=lambda T: (lengths[-1] != T, T & (T - 1) != 0, -T)):
        if all(abs(math.log10(T / other)) >= gap for other in kept):
            kept.append(T)
    return sorted(kept)


def time_axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for milliseconds."""
    low, high = _extent(values)
    return _log_axis(
        "latency", _decimal(low, high), lambda tick: _plain(units.duration(tick)), low, high
    )


def size_axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for bytes, ticks at powers of 4 (over a wide range: of 16)."""
    low, high = _extent(values)
    step = 2 if math.log2(high / low) < 16 else 4
    ticks = [2.0**exponent for exponent in range(0, math.ceil(math.log2(high)) + 2 * step, step)]
    return _log_axis("workspace", ticks, lambda tick: _plain(units.size(tick)), low, high)


def share_axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for an error as a multiple of its bound; the bound is always on it."""
    low, high = _extent([*values, 1.0])
    return _log_axis("error / bound", _decimal(low, high), lambda tick: f"{tick:g}", low, high)


def multiple_axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for multiples of the best, from 1."""
    low, high = _extent([*values, 1.0])
    ticks = [1.0, 1.2, 1.5, 2.0, 3.0, 5.0] if high < 8 else [2.0**k for k in range(20)]
    return _log_axis("× the best of its T", ticks, lambda tick: f"{tick:g}×", low, high)


def rate_axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for FLOP/s."""
    low, high = _extent(values)
    return _log_axis(
        "rate reached", _decimal(low, high), lambda tick: _plain(rate(tick)), low, high
    )


def intensity_axis(values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis for FLOP/byte."""
    low, high = _extent(values)
    title = "arithmetic intensity (FLOP/byte)"
    return _log_axis(title, _decimal(low, high), lambda tick: f"{tick:g}", low, high)


def distance_axis(values: Iterable[float]) -> dict[str, Any]:
    """A linear axis from 0 to past 1; a logarithmic one where values lie far beyond.

    On the logarithmic one the caller draws what is below `DISTANCE_FLOOR` at it.
    """
    drawn = [*values, 1.0]
    if max(drawn) <= LONGEST_LINEAR_DISTANCE:
        return {"title": {"text": "distance to full"}, "range": [-0.05, 1.05 * max(drawn) + 0.05]}
    low, high = _extent(drawn)
    title = f"distance to full (below {DISTANCE_FLOOR} drawn at {DISTANCE_FLOOR})"
    return _log_axis(title, _decimal(low, high), lambda tick: f"{tick:g}", low, high)


def rate(per_s: float, unit: str = "FLOP/s") -> str:
    """A rate with three significant digits: `12.3 GFLOP/s`."""
    scale, prefix = next((at for at in PREFIXES if per_s >= at[0]), PREFIXES[-1])
    return f"{units.factor(per_s / scale).removesuffix('×')} {prefix}{unit}"


def _decimal(low: float, high: float) -> list[float]:
    """Ticks at 1, 2 and 5 of each power of 10; over many of them only at 1."""
    steps = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    # 10.0 ** -2 is 0.01 and 2 * 10.0 ** -2 is not 0.02: a division rounds once.
    return [
        step * 10.0**exponent if exponent >= 0 else step / 10.0**-exponent
        for exponent in exponents
        for step in steps
    ]


def _log_axis(
    title: str, ticks: list[float], text: Callable[[float], str], low: float, high: float
) -> dict[str, Any]:
    margin = 0.07 * max(math.log10(high / low), 0.5)
    bottom, top = math.log10(low) - margin, math.log10(high) + margin
    # Without two ticks nobody can read a value: a narrow range is widened to the nearest two.
    exponents = sorted(map(math.log10, ticks), key=lambda tick: max(bottom - tick, tick - top))
    return {
        "type": "log",
        "title": {"text": title},
        "tickvals": ticks,
        "ticktext": [text(tick) for tick in ticks],
        "range": [
            min(bottom, min(exponents[:2]) - TICK_MARGIN),
            max(top, max(exponents[:2]) + TICK_MARGIN),
        ],
    }


def _extent(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and largest value that a logarithmic axis can show; 1 and 10 without any."""
    drawn = [float(value) for value in values if 0 < value < math.inf]
    return (min(drawn), max(drawn)) if drawn else (1.0, 10.0)


def _plain(text: str) -> str:
    """A tick without the digits that say nothing: `10.0 ms` is `10 ms`."""
    number, unit = text.split(" ")
    return f"{float(number):g} {unit}"
