"""Shifts and series in words."""

from __future__ import annotations

from math import isnan

from reports import units
from reports.history.changepoints import MIN_RUNS
from reports.history.series import NAMES, STATUS, ChangePoint, Series
from reports.history.summaries import EXACT


def sentence(series: Series, point: ChangePoint) -> str:
    """A change point in a sentence: what, where, how much, and what else changed there."""
    return f"{NAMES[point.figure]} of {series.title} {moved(point)} {between(series, point)}."


def moved(point: ChangePoint) -> str:
    """How much it shifted: `rose 12% (9 to 15%)`; of an exact figure from what to what."""
    if point.figure == STATUS:
        return f"went from {' to '.join(point.statuses)}"
    if point.figure in EXACT or not (point.before and point.after):
        how = "rose" if point.after > point.before else "fell"
        both = (value(point.figure, one) for one in (point.before, point.after))
        return f"{how} from {' to '.join(both)}{_share(point)}"
    how = "rose" if point.ratio > 1 else "fell"
    ends = sorted(100 * abs(end - 1) * _sign(point.ratio, end) for end in (point.low, point.high))
    interval = f"{_two(ends[0])} to {_two(ends[1])}%"
    return f"{how} {_two(100 * abs(point.ratio - 1))}% ({interval})"


def between(series: Series, point: ChangePoint) -> str:
    """Between which runs, and what else than the code changed there."""
    after = series.runs[point.index].environment.created_at
    if point.commit_before == point.commit_after:
        where = f"between two runs of {point.commit_after}, on {after:%Y-%m-%d}"
    else:
        where = f"between {point.commit_before} and {point.commit_after}"
    also = f", with {', '.join(point.also)} at the same time" if point.also else ""
    near = f", with {', '.join(point.near)} a run before or after" if point.near else ""
    return where + also + near


def brief(point: ChangePoint) -> str:
    """A change point in a cell of a table: `latency +12%`; `!` where more than the code changed."""
    return f"{NAMES[point.figure]} {change(point)}{' !' if point.also or point.near else ''}"


def change(point: ChangePoint) -> str:
    """How much it shifted, in short: `+12%`, `0 → 512 B`, `ok → crashed`."""
    if point.figure == STATUS:
        return " → ".join(point.statuses)
    if _has_share(point):
        return f"{_signed(point)}%"
    before = value(point.figure, point.before) if point.before else "0"
    return f"{before} → {value(point.figure, point.after) if point.after else '0'}"


def value(figure: str, amount: float) -> str:
    """A figure with its unit; empty where it is missing."""
    if isnan(amount):
        return ""
    if figure == "latency_ms":
        return units.duration(amount)
    if figure == "workspace_bytes":
        return units.size(int(amount))
    if figure == "distance_to_full":
        return units.distance(amount)
    return units.scientific(amount) if figure == "oracle_error" else f"{amount:,.0f}"


def no_verdict(series: Series) -> str:
    """That a series is too short for a verdict on its latency, in words; empty where it is not."""
    if series.has_verdict("latency_ms"):
        return ""
    count = len(series.values("latency_ms"))
    runs = "1 run" if count == 1 else f"{count} runs"
    return f"no verdict on noisy figures: {runs} with a latency, {MIN_RUNS} are needed"


def _share(point: ChangePoint) -> str:
    return f" ({_signed(point)}%)" if _has_share(point) else ""


def _has_share(point: ChangePoint) -> bool:
    """A distance is a share itself, and may be below 0."""
    return bool(point.before and point.after) and point.figure != "distance_to_full"


def _signed(point: ChangePoint) -> str:
    change = 100 * (point.ratio - 1)
    return f"{'+' if change > 0 else ''}{_two(change)}"


def _two(number: float) -> str:
    """Two significant digits, without an exponent: 0.78, 9, 12, 1200."""
    return f"{float(f'{number:.2g}'):.12g}"


def _sign(ratio: float, end: float) -> int:
    """-1 for an end of the interval on the other side of no change."""
    return 1 if (end - 1) * (ratio - 1) >= 0 else -1
