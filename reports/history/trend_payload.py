"""What the trend page carries for its script: every series without its samples, rounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import pairwise
from math import isfinite
from typing import Any

import pandas as pd

from reports.history.conditions import Conditions
from reports.history.series import Series
from reports.history.store import Stored
from reports.history.words import brief, no_verdict, sentence
from reports.palette import NEUTRAL, styles
from reports.statuses import STATUS_WORDS

DIGITS = 4
"""Of a noisy figure: more than any chart shows, and a tenth of what all of them would take."""
DRAWN = ("latency_ms", "workspace_bytes", "distance_to_full", "oracle_error")
"""The figures that have a chart."""
ENDS = ("latency_low_ms", "latency_high_ms")


def trend_payload(found: Sequence[Series]) -> dict[str, Any]:
    """The runs, what they were made under, and every series, ready for JSON."""
    runs: dict[str, Stored] = {}
    for one in found:
        runs |= {run.environment.run_id: run for run in one.runs}
    place = {name: i for i, name in enumerate(runs)}
    told: list[Conditions] = []
    listed = []
    for run in runs.values():
        if run.conditions not in told:
            told.append(run.conditions)
        moment = run.environment.created_at.astimezone(UTC)
        listed.append([run.commit, f"{moment:%Y-%m-%d %H:%M}", told.index(run.conditions)])
    colours = _colours(found)
    return {
        "runs": listed,
        "conditions": [dict(one) for one in told],
        "statuses": {str(status): words for status, words in STATUS_WORDS.items()},
        "series": [_series(one, place, colours[one.label]) for one in found],
    }


def _series(one: Series, place: dict[str, int], colour: str) -> dict[str, Any]:
    status = one.figures["status"]
    return {
        "key": one.key,
        "title": one.title,
        "colour": colour,
        "runs": [place[run.environment.run_id] for run in one.runs],
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
    return [(a, b - 1, height) for (a, b), height in zip(pairwise(ends), heights, strict=True)]


def _colours(found: Sequence[Series]) -> dict[str, str]:
    """The colour of every label, as on all other charts."""
    named = pd.DataFrame(
        [(one.point.variant, one.label) for one in found], columns=["variant", "label"]
    )
    look = styles(named)
    return {one.label: look[one.label].colour if one.label in look else NEUTRAL for one in found}
