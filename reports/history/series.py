"""One series: the same point on one model of device, run after run, and where it shifted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import inf, nan

import numpy as np
import pandas as pd

from reports import settings, units
from reports.formats.points import name
from reports.gate.exact import DISTANCE_TOLERANCE
from reports.history.changepoints import MIN_RUNS, Shift, noisy_shifts, steps
from reports.history.conditions import HOST, Conditions, changes, exact_conditions
from reports.history.store import Stored
from reports.history.summaries import EXACT, NOISY, History
from reports.labels import labels
from reports.schema import Point, Status
from reports.statuses import STATUS_WORDS

STATUS = "status"
NAMES = {
    STATUS: "status",
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
    """Lower end of the ratio's 95% interval; of an exact figure the ratio itself. A status has
    neither, nor levels: they are NaN."""
    high: float
    p: float
    """See `changepoints.Shift`; 0 for an exact figure."""
    before: float
    """The level before: of a noisy figure the geometric mean."""
    after: float
    """The level from here on: the ratio times `before`."""
    also: tuple[str, ...]
    """What else than the code changed between the two runs: `torch 2.12.0 → 2.13.0`."""
    near: tuple[str, ...]
    """What else changed a run before or after: a noisy figure's shift may be there, too."""
    statuses: tuple[str, str] = ("", "")
    """Of a status: what it was and what it is, in words."""


@dataclass(frozen=True)
class Series:
    """The same point on one model of device, in the order of time."""

    key: str
    """See `series_key`."""
    point: Point
    """As it was in the last run; what `auto` picked may have been another one before."""
    label: str
    """Its variant, and what tells it from others of the same variant."""
    title: str
    """What tells it from all others: `hatrick n=64 T=8k, forward`."""
    runs: list[Stored]
    figures: pd.DataFrame
    """A row a run, 0, 1, …, with the columns `status` and `summaries.FIGURES`."""
    picked: list[str]
    """The backend that `auto` picked in each run; empty where it was not asked or found none."""

    @cached_property
    def conditions(self) -> list[Conditions]:
        """What may move a figure in each run, but for the code.

        Where no host comes twice (hosted runners, containers) its name says nothing.
        """
        hosts = [run.environment.host for run in self.runs]
        left_out = {HOST} if len(set(hosts)) == len(hosts) else set()
        return [
            {
                **{name: said for name, said in run.conditions.items() if name not in left_out},
                **_pick(picked),
            }
            for run, picked in zip(self.runs, self.picked, strict=True)
        ]

    def changes(self, before: int, after: int, *, is_exact: bool = False) -> list[str]:
        """What else than the code differs between two runs; all of it, or what may move a figure
        without noise."""
        if not is_exact:
            return changes(self.conditions[before], self.conditions[after])
        both = (
            {**exact_conditions(self.runs[i].environment), **_pick(self.picked[i])}
            for i in (before, after)
        )
        return changes(*both)

    @cached_property
    def change_points(self) -> list[ChangePoint]:
        """All of its figures' shifts by figure, in the order of `NAMES`, then time."""
        return [point for figure in NAMES for point in _change_points(self, figure)]

    def values(self, figure: str) -> pd.Series:
        """A figure of the runs that have it; a latency only of those that are ok."""
        column: pd.Series = self.figures[figure]
        if figure == "latency_ms":
            column = column[self.figures["status"] == Status.OK.value]
        return column.dropna()

    def has_verdict(self, figure: str) -> bool:
        """Whether there are runs enough to tell a shift."""
        least = 2 if figure in EXACT else MIN_RUNS
        return len(_comparable(self, figure)) >= least


def series_key(point: Point, threads: int) -> str:
    """The identity of a point's series: 16 hex digits.

    Neither the device's index nor what `auto` picks tells two series apart (see
    `reports.formats.points.name`); how many threads compute does, on a CPU.
    """
    own = f", {threads} threads" if _on_cpu(point) else ""
    return hashlib.sha256(f"{name(point)}{own}".encode()).hexdigest()[:16]


def all_series(history: History) -> list[Series]:
    """Every series of a history, ordered by title's parts: variant, T, chunk size."""
    if history.points.empty:
        return []
    texts = history.points["point"].cat.categories
    # A series may have several texts: a device's index, or a field that older runs do not have.
    read = [Point.model_validate_json(text) for text in texts]
    threads = sorted({run.environment.threads for run in history.runs})
    keys = np.array([[series_key(point, count) for count in threads] for point in read])
    codes = history.points["point"].cat.codes.to_numpy()
    of_run = np.array([threads.index(run.environment.threads) for run in history.runs])
    rows = history.points.assign(key=keys[codes, of_run[history.points["run"]]], code=codes)
    groups = []
    for key, own in rows.sort_values("run", kind="stable").groupby("key", sort=False):
        figures = own.drop_duplicates("run", keep="last")
        points = [read[code] for code in figures["code"]]
        runs = [history.runs[i] for i in figures["run"]]
        figures = figures.drop(columns=["run", "point", "key", "code"]).reset_index(drop=True)
        groups.append((str(key), points, runs, figures))
    named = _named({key: (points[-1], runs[-1]) for key, points, runs, _ in groups})
    found = [
        Series(
            key,
            points[-1],
            *named[key],
            runs,
            figures,
            [point.backend_used if point.backend == "auto" else "" for point in points],
        )
        for key, points, runs, figures in groups
    ]
    return sorted(found, key=lambda one: _order(one.point, one.title))


def _on_cpu(point: Point) -> bool:
    return point.device.partition(":")[0] == "cpu"


def _pick(backend: str) -> Conditions:
    return {"auto picks": backend} if backend else {}


def _order(point: Point, title: str) -> tuple[str, int, int, str]:
    return point.variant, point.seq_len, point.chunk_size or 0, title


def _named(last: Mapping[str, tuple[Point, Stored]]) -> dict[str, tuple[str, str]]:
    """Label and title of every series, no longer than it takes to tell them apart."""
    points = [point for point, _ in last.values()]
    # By the backend that was asked for: which one `auto` picks may change within a series.
    rows = [{**one.__dict__, "backend_used": one.backend, "file": ""} for one in points]
    frame = pd.DataFrame(rows)
    frame["label"] = labels(frame)
    differing = [field for field in settings.FIELDS if frame[field].nunique() > 1]
    if "direction" not in differing:
        differing.insert(0, "direction")
    several = {run.environment.threads for point, run in last.values() if _on_cpu(point)}
    named = {}
    for (key, (point, run)), (_, row) in zip(last.items(), frame.iterrows(), strict=True):
        parts = [_short(row["label"], point), settings.describe(row, differing)]
        if len(several) > 1 and _on_cpu(point):
            count = run.environment.threads
            parts.append("1 thread" if count == 1 else f"{count} threads")
        named[key] = (str(row["label"]), ", ".join(parts))
    return named


def _short(label: str, point: Point) -> str:
    chunk = "" if point.chunk_size is None else f" n={point.chunk_size}"
    return f"{label}{chunk} T={units.tokens(point.seq_len)}"


def _comparable(series: Series, figure: str) -> pd.Series:
    """The values that a shift is looked for in."""
    values = series.values(figure)
    return values[values < inf] if figure in NOISY else values


def _change_points(series: Series, figure: str) -> list[ChangePoint]:
    if figure == STATUS:
        return _status_changes(series)
    values = _comparable(series, figure)
    where, numbers = values.index.tolist(), values.tolist()
    tolerance = DISTANCE_TOLERANCE if figure == "distance_to_full" else 0.0
    return [
        _change_point(series, figure, shift, where[shift.index - 1], where[shift.index])
        for shift in (steps(numbers, tolerance) if figure in EXACT else noisy_shifts(numbers))
    ]


def _status_changes(series: Series) -> list[ChangePoint]:
    """Where the status changed. Clocks that were held down are the device's state, so throttled is
    ok here; runs that left the point out say nothing of it."""
    statuses = [Status(word) for word in series.figures["status"]]
    told = [
        (i, STATUS_WORDS[Status.OK if status is Status.THROTTLED else status])
        for i, status in enumerate(statuses)
        if status is not Status.LEFT_OUT
    ]
    none = Shift(0, nan, nan, nan, nan, 0.0)
    return [
        replace(_change_point(series, STATUS, none, before, after), statuses=(was, now))
        for (before, was), (after, now) in pairwise(told)
        if was != now
    ]


def _change_point(
    series: Series, figure: str, shift: Shift, before: int, after: int
) -> ChangePoint:
    """A shift with the runs that it lies between, and what else changed there.

    Args:
        before: the place of the last run of the old level; there may be others between, which
            do not have the figure.
        after: the place of the first run of the new level.
    """
    is_exact = figure not in NOISY
    here = series.changes(before, after, is_exact=is_exact)
    # The place of a noisy figure's shift is known to a run.
    first, last = max(0, before - 1), min(len(series.runs) - 1, after + 1)
    steps_around = [] if is_exact else pairwise(range(first, last + 1))
    around = [each for pair in steps_around for each in series.changes(*pair)]
    return ChangePoint(
        figure,
        after,
        series.runs[before].commit,
        series.runs[after].commit,
        shift.ratio,
        shift.low,
        shift.high,
        shift.p,
        shift.before,
        shift.after,
        tuple(here),
        tuple(each for each in dict.fromkeys(around) if each not in here),
    )


def latest_shifts(found: Sequence[Series]) -> list[tuple[Series, ChangePoint]]:
    """The change points of all series, the latest first; of one run those of the status first."""
    pairs = [(one, point) for one in found for point in one.change_points]
    moment = [
        (one.runs[point.index].environment.created_at, point.figure == STATUS)
        for one, point in pairs
    ]
    order = sorted(range(len(pairs)), key=lambda i: moment[i], reverse=True)
    return [pairs[i] for i in order]


def last_change(one: Series) -> ChangePoint | None:
    """The last change point of a series; of several in one run that of the status, or the first."""
    return max(one.change_points, key=lambda point: point.index, default=None)
