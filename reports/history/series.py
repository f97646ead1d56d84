"""One series: the same point on one model of device, run after run, and where it shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import inf

import numpy as np
import pandas as pd

from reports import settings, units
from reports.history.changepoints import MIN_RUNS, Shift, level_shifts, steps
from reports.history.conditions import changes
from reports.history.store import Stored
from reports.history.summaries import EXACT, NOISY, History
from reports.labels import labels
from reports.runfile import key_on_any
from reports.schema import Point, Status

NAMES = {
    "latency_ms": "latency",
    "workspace_bytes": "workspace",
    "distance_to_full": "distance to full",
    "oracle_error": "oracle error",
    "counted_flops": "counted FLOPs",
    "operators": "operators",
    "launches": "kernel launches",
    "graph_breaks": "graph breaks",
}
"""The figures that are followed, as sentences name them; in this order."""


@dataclass(frozen=True)
class ChangePoint:
    """A figure's level shifted between two runs of a series."""

    figure: str
    """A key of `NAMES`."""
    index: int
    """Its place in the series: the first run of the new level."""
    commit_before: str
    commit_after: str
    ratio: float
    low: float
    """Lower end of the ratio's 95% interval; of an exact figure the ratio itself."""
    high: float
    p: float
    """See `changepoints.Shift`; 0 for an exact figure."""
    before: float
    """The level before: of a noisy figure the geometric mean."""
    after: float
    also: tuple[str, ...]
    """What else than the code changed between the two runs: `torch 2.12.0 → 2.13.0`."""
    near: tuple[str, ...]
    """What else changed a run before or after: a noisy figure's shift may be there, too."""


@dataclass(frozen=True)
class Series:
    """The same point on one model of device, in the order of time."""

    key: str
    """`reports.runfile.key_on_any` of its point."""
    point: Point
    label: str
    """Its variant, and what tells it from others of the same variant."""
    title: str
    """What tells it from all others: `hatrick n=64 T=8k, forward`."""
    runs: list[Stored]
    figures: pd.DataFrame
    """A row a run, 0, 1, …, with the columns `status` and `summaries.FIGURES`."""

    @cached_property
    def change_points(self) -> list[ChangePoint]:
        """All of its figures' shifts by figure, in the order of `NAMES`, then time."""
        return [point for figure in NAMES for point in _change_points(self, figure)]

    def values(self, figure: str) -> pd.Series:
        """A figure of the runs that have it; a latency only of those that are ok."""
        column = self.figures[figure]
        if figure == "latency_ms":
            column = column[self.figures["status"] == Status.OK.value]
        return column.dropna()

    def has_verdict(self, figure: str) -> bool:
        """Whether there are runs enough to tell a shift."""
        least = 2 if figure in EXACT else MIN_RUNS
        return len(_comparable(self, figure)) >= least


def all_series(history: History) -> list[Series]:
    """Every series of a history, ordered by title's parts: variant, T, chunk size."""
    if history.points.empty:
        return []
    texts = history.points["point"].cat.categories
    # A series may have several texts: a device's index, or a field that older runs do not have.
    read = [Point.model_validate_json(text) for text in texts]
    keys = np.array([key_on_any(point) for point in read])
    rows = history.points.assign(key=keys[history.points["point"].cat.codes])
    points = dict(zip(keys.tolist(), read, strict=True))
    named = _named(points)
    found = []
    for key, own in rows.sort_values("run", kind="stable").groupby("key", sort=False):
        label, title = named[str(key)]
        figures = own.drop_duplicates("run", keep="last")
        runs = [history.runs[i] for i in figures["run"]]
        figures = figures.drop(columns=["run", "point", "key"]).reset_index(drop=True)
        found.append(Series(str(key), points[str(key)], label, title, runs, figures))
    return sorted(found, key=lambda one: _order(one.point, one.title))


def _order(point: Point, title: str) -> tuple[str, int, int, str]:
    return point.variant, point.seq_len, point.chunk_size or 0, title


def _named(points: Mapping[str, Point]) -> dict[str, tuple[str, str]]:
    """Label and title of every point, no longer than it takes to tell them apart."""
    frame = pd.DataFrame([{**point.__dict__, "file": ""} for point in points.values()])
    frame["label"] = labels(frame)
    differing = [name for name in settings.FIELDS if frame[name].nunique() > 1]
    if "direction" not in differing:
        differing.insert(0, "direction")
    return {
        key: (row["label"], f"{_short(row['label'], point)}, {settings.describe(row, differing)}")
        for (key, point), (_, row) in zip(points.items(), frame.iterrows(), strict=True)
    }


def _short(label: str, point: Point) -> str:
    chunk = "" if point.chunk_size is None else f" n={point.chunk_size}"
    return f"{label}{chunk} T={units.tokens(point.seq_len)}"


def _comparable(series: Series, figure: str) -> pd.Series:
    """The values that a shift is looked for in: of a noisy figure those that have a logarithm."""
    values = series.values(figure)
    return values[(values > 0) & (values < inf)] if figure in NOISY else values


def _change_points(series: Series, figure: str) -> list[ChangePoint]:
    values = _comparable(series, figure)
    where = values.index.tolist()
    found = (steps if figure in EXACT else level_shifts)(values.tolist())
    if not found:
        return []
    ends = [0, *(shift.index for shift in found), len(values)]
    levels = [_level(values.iloc[a:b], figure) for a, b in pairwise(ends)]
    last_before = [where[shift.index - 1] for shift in found]
    placed = [replace(shift, index=where[shift.index]) for shift in found]
    return [
        _change_point(series, figure, shift, before, pair)
        for shift, before, pair in zip(placed, last_before, pairwise(levels), strict=True)
    ]


def _level(values: pd.Series, figure: str) -> float:
    if figure in EXACT:
        return float(values.iloc[0])
    return float(np.exp(np.log(values).median()))


def _change_point(
    series: Series, figure: str, shift: Shift, before: int, levels: tuple[float, float]
) -> ChangePoint:
    """A shift with the runs that it lies between, and what else changed there.

    Args:
        shift: its index a place in the series.
        before: the place of the last run of the old level; there may be others between, which
            do not have the figure.
    """
    after = shift.index
    is_exact = figure in EXACT
    # The place of a noisy figure's shift is known to a run.
    first, last = max(0, before - 1), min(len(series.runs) - 1, after + 1)
    told = [run.conditions for run in series.runs[first : last + 1]]
    here = changes(series.runs[before].conditions, series.runs[after].conditions)
    around = [] if is_exact else [each for pair in pairwise(told) for each in changes(*pair)]
    return ChangePoint(
        figure,
        after,
        series.runs[before].commit,
        series.runs[after].commit,
        shift.ratio,
        shift.low,
        shift.high,
        shift.p,
        *levels,
        tuple(here),
        tuple(each for each in dict.fromkeys(around) if each not in here),
    )


def latest_shifts(found: Sequence[Series]) -> list[tuple[Series, ChangePoint]]:
    """The change points of all series, the latest first."""
    pairs = [(one, point) for one in found for point in one.change_points]
    moment = [one.runs[point.index].environment.created_at for one, point in pairs]
    order = sorted(range(len(pairs)), key=lambda i: moment[i], reverse=True)
    return [pairs[i] for i in order]
