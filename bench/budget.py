"""Which points of a sweep to measure when time is short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum, log
from typing import TYPE_CHECKING

from reports.schema import Point

if TYPE_CHECKING:  # a forecast needs points, points need a spec, and a spec reads durations
    from bench.forecast import Forecast

NUMBER = r"(\d+(?:\.\d+)?)"
DURATION = re.compile(f"(?:{NUMBER}h)?(?:{NUMBER}m)?(?:{NUMBER}s)?", re.ASCII)
BARE = re.compile(NUMBER, re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds from `90`, `90s`, `10m` or `1h30m`.

    Raises:
        ValueError: anything else.
    """
    if BARE.fullmatch(text):
        return float(text)
    found = DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"cannot read {text!r} as a duration; write 90, 90s, 10m or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def choose(
    points: Sequence[Point], forecast: Forecast, seconds: float
) -> tuple[list[Point], list[Point]]:
    """The points to measure, and those that there is no time for, both in the given order.

    A curve is a variant's points that differ in their length alone; what the forecast has learnt of
    is measured already and costs nothing more. First come the ends, the shortest and the longest
    length, of every variant's curve at its middle chunk size; then the ends of its other curves,
    chunk sizes nearer the middle first; then what halves the gaps of all curves, and halves them
    again. The first that does not fit ends it, so that more time never means fewer points. Where
    the ends of the middle chunk sizes do not fit, the longest length shrinks, for all alike.

    The predicted seconds of the chosen never add up to more than `seconds`, but where not even one
    point fits and nothing was measured yet, the cheapest one is chosen.

    Args:
        points: those that would be tried.
        seconds: the time there is.
    """
    cost = [forecast.seconds(point) for point in points]
    curves = _curves(points, forecast)

    def total(chosen: Iterable[int]) -> float:
        return fsum(cost[index] for index in chosen)

    chosen = _longest_ends([curve for curve in curves if curve.rank == 0], seconds, cost)
    if chosen == [i for curve in curves if curve.rank == 0 for i in curve.ends(curve.longest)]:
        for more in _further(curves):
            if total([*chosen, *more]) > seconds:
                break
            chosen += more
    if not chosen and points and not forecast.has_learnt:
        chosen = [min(range(len(points)), key=cost.__getitem__)]
    kept = set(chosen)
    return (
        [point for index, point in enumerate(points) if index in kept],
        [point for index, point in enumerate(points) if index not in kept],
    )


@dataclass
class _Curve:
    """Points, by their index, that differ in their length alone."""

    chunk_size: int
    measured: frozenset[int]
    """Lengths."""
    at: dict[int, list[int]] = field(default_factory=dict)
    """Indices by length."""
    rank: int = 0
    """0 for the middle one of its variant's chunk sizes, then outwards."""

    @property
    def longest(self) -> int:
        return max(self.at)

    def ends(self, longest: int) -> list[int]:
        """The shortest length and the longest one up to `longest`, where not measured yet."""
        lengths = {min(self.measured | set(self.at))} & set(self.at)
        lengths |= set(sorted(length for length in self.at if length <= longest)[-1:])
        return [index for length in sorted(lengths) for index in self.at[length]]


def _curves(points: Sequence[Point], forecast: Forecast) -> list[_Curve]:
    curves: dict[str, _Curve] = {}
    families: dict[str, list[_Curve]] = {}
    for index, point in enumerate(points):
        name = forecast.curve(point)
        if name not in curves:
            curves[name] = _Curve(point.chunk_size or 0, forecast.lengths(point))
            family = point.model_dump_json(exclude={"seq_len", "chunk_size", "device"})
            families.setdefault(family, []).append(curves[name])
        curves[name].at.setdefault(point.seq_len, []).append(index)
    for alike in families.values():
        alike.sort(key=lambda curve: curve.chunk_size)
        middle = (len(alike) - 1) // 2
        outwards = sorted(range(len(alike)), key=lambda i: (abs(i - middle), i))
        for rank, i in enumerate(outwards):
            alike[i].rank = rank
    return list(curves.values())


def _longest_ends(curves: Sequence[_Curve], seconds: float, cost: Sequence[float]) -> list[int]:
    """Both ends of the curves, the longest length as long as there is time for; where there is none
    for any, as many of the shortest as fit, the cheapest first."""
    ends: list[int] = []
    for longest in sorted({length for curve in curves for length in curve.at}, reverse=True):
        ends = [index for curve in curves for index in curve.ends(longest)]
        if fsum(cost[index] for index in ends) <= seconds:
            return ends
    fit: list[int] = []
    for index in sorted(ends, key=cost.__getitem__):
        if fsum(cost[i] for i in [*fit, index]) > seconds:
            break
        fit.append(index)
    return fit


def _further(curves: Sequence[_Curve]) -> list[list[int]]:
    """What follows the ends of the middle chunk sizes, in the order in which it is chosen."""
    ordered = sorted(curves, key=lambda curve: curve.rank)
    units = [curve.ends(curve.longest) for curve in ordered if curve.rank > 0]
    # All curves at one length follow each other: a comparison needs them all.
    middles = [
        (level, length, number)
        for number, curve in enumerate(ordered)
        for length, level in _levels(sorted(curve.measured | set(curve.at))).items()
        if length in curve.at and not set(curve.at[length]) & set(curve.ends(curve.longest))
    ]
    return units + [ordered[number].at[length] for _, length, number in sorted(middles)]


def _levels(lengths: Sequence[int]) -> dict[int, int]:
    """How often the span must be halved, on a logarithmic scale, until a length is reached; its
    ends: 0."""
    levels = dict.fromkeys((lengths[0], lengths[-1]), 0)
    gaps, level = [(0, len(lengths) - 1)], 0
    while gaps:
        level += 1
        halves = []
        for low, high in gaps:
            if high - low < 2:
                continue
            centre = (log(lengths[low]) + log(lengths[high])) / 2
            middle = min(range(low + 1, high), key=lambda i: abs(log(lengths[i]) - centre))
            levels[lengths[middle]] = level
            halves += [(low, middle), (middle, high)]
        gaps = halves
    return levels
