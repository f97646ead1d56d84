"""What the trend page carries for its script: every series without its samples, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import pairwise
from math import isfinite
from typing import Any

import pandas as pd

from reports.history.series import Series
from reports.history.store import Stored
from reports.history.words import brief, change, no_verdict, sentence
from reports.palette import NEUTRAL, styles
from reports.statuses import STATUS_WORDS

DIGITS = 4
"""Of a noisy figure: more than any chart shows, and a tenth of what all of them would take."""
DRAWN = ("latency_ms", "workspace_bytes", "distance_to_full", "oracle_error")
"""The figures that have a chart."""
ENDS = ("latency_low_ms", "latency_high_ms")


def trend_payload(found: Sequence[Series]) -> dict[str, Any]:
    """The runs, what else than the code changed between them, and every series, for JSON."""
    runs: dict[str, Stored] = {}
    for one in found:
        runs |= {run.environment.run_id: run for run in one.runs}
    place = {name: i for i, name in enumerate(runs)}
    told: dict[tuple[str, ...], int] = {}
    moments = [run.environment.created_at.astimezone(UTC) for run in runs.values()]
    listed = [
        [run.commit, f"{moment:%Y-%m-%d %H:%M}"]
        for run, moment in zip(runs.values(), moments, strict=True)
    ]
    colours = _colours(found)
    series = [_series(one, place, colours[one.label], told) for one in found]
    return {
        "runs": listed,
        "changes": list(told),
        "statuses": {str(status): words for status, words in STATUS_WORDS.items()},
        "series": series,
    }


def _series(
    one: Series, place: dict[str, int], colour: str, told: dict[tuple[str, ...], int]
) -> dict[str, Any]:
    """One series; what changed between its runs is added to `told`, each different set once."""
    status = one.figures["status"]
    return {
        "key": one.key,
        "title": one.title,
        "colour": colour,
        "runs": [place[run.environment.run_id] for run in one.runs],
        "changed": {
            i: told.setdefault(words, len(told))
            for i in range(1, len(one.runs))
            if (words := tuple(one.changes(i - 1, i)))
        },
        "failed": {int(i): str(word) for i, word in status[status != "ok"].items()},
        "figures": {
            **{name: _column(one.values(name), len(one.runs)) for name in DRAWN},
            **{name: _column(one.figures[name], len(one.runs)) for name in ENDS},
        },
        "levels": {name: _levels(one, name) for name in DRAWN},
        "shifts": [
            {
                "figure": point.figure,
                "index": point.index,
                "brief": brief(point),
                "mark": change(point),
                "text": sentence(one, point),
            }
            for point in one.change_points
        ],
        "remark": no_verdict(one),
    }


def _column(values: pd.Series, count: int) -> list[float | None]:
    """A figure of every run, None where it is missing: bytes exact, all else rounded."""
    column: list[float | None] = [None] * count
    for i, amount in values.items():
        if isfinite(amount):
            is_whole = float(amount).is_integer()
            column[int(i)] = int(amount) if is_whole else float(f"{amount:.{DIGITS}g}")
    return column


def _levels(one: Series, figure: str) -> list[tuple[int, int, float]]:
    """First and last run of every level of a figure that shifted, and its height."""
    points = [point for point in one.change_points if point.figure == figure]
    if not points:
        return []
    ends = [0, *(point.index for point in points), len(one.runs)]
    heights = [points[0].before, *(point.after for point in points)]
    levels = zip(pairwise(ends), heights, strict=True)
    return [(a, b - 1, height) for (a, b), height in levels if isfinite(height)]


def _colours(found: Sequence[Series]) -> dict[str, str]:
    """The colour of every label, as on all other charts."""
    named = pd.DataFrame(
        [(one.point.variant, one.label) for one in found], columns=["variant", "label"]
    )
    look = styles(named)
    return {one.label: look[one.label].colour if one.label in look else NEUTRAL for one in found}
