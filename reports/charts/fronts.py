"""Agreement against cost: what no other point at the same T is both faster and closer than."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from reports import settings, units
from reports.charts import axes, traces
from reports.charts.agreement import drawn_distance
from reports.charts.hover import hovers
from reports.charts.layout import figure
from reports.charts.series import Series, drawn_columns, numbered, series
from reports.models.pareto import front
from reports.palette import DASHES, NEUTRAL

DOMINATED = 0.3
"""Opacity of a point that another is both as fast and as close as, and better in one."""
WORDS_ROOM = 0.05
"""What the lengths at the ends of fronts need below the lowest points, as a share."""


def pareto(frame: pd.DataFrame) -> go.Figure:
    """Distance to full attention against latency, with the Pareto front of each T as a line.

    A point on a front is filled; a dominated one, which another point of its T beats in one of the
    two and does not lose to in the other, is hollow and faint.

    Args:
        frame: of `reports.load`, of any number of settings; no front joins two of them.
    """
    frame = numbered(frame)
    texts = hovers(frame)
    drawn = drawn_columns(frame).assign(drawn=drawn_distance(frame))
    drawn = drawn[drawn["drawn"].notna() & (drawn["latency_ms"] > 0)]
    lines, points = [], []
    best: set[object] = set()
    for number, setting in enumerate(settings.split(drawn_columns(frame))):
        of_setting = drawn.loc[drawn.index.intersection(setting.frame.index)]
        for T, rows in of_setting.groupby("seq_len"):
            on_front = front(rows)
            best |= set(on_front)
            lines.append(_front(int(T), rows, rows.loc[on_front], number))
    for of in series(frame):
        rows = drawn.loc[drawn.index.intersection(of.rows)]
        points += _points(of, rows, best, texts)
    yaxis = axes.distance_axis(drawn["drawn"])
    bottom, top = yaxis["range"]
    yaxis["range"] = [bottom - WORDS_ROOM * (top - bottom), top]
    return figure(
        [*lines, *points],
        {"xaxis": axes.time_axis(drawn["latency_ms"]), "yaxis": yaxis},
        title="Agreement against cost",
        subtitle="lines: the Pareto front of each T; hollow: dominated;<br>"
        "0 equals full attention, 1 is as far as no attention",
        nothing=""
        if len(drawn)
        else "No point has both a latency<br>and a distance to full attention.",
    )


def _front(seq_len: int, rows: pd.DataFrame, line: pd.DataFrame, setting: int) -> go.Scatter:
    """The stairs below which no point lies, with their T at the lower end."""
    T = f"T = {units.tokens(seq_len)}"
    return go.Scatter(
        x=line["latency_ms"].tolist(),
        y=line["drawn"].tolist(),
        name=T,
        showlegend=False,
        mode="lines+markers+text",
        # Not seen: keeps the text clear of the mark that the point itself has.
        marker={"size": 14, "opacity": 0},
        line={"color": NEUTRAL, "width": 1, "shape": "hv", "dash": DASHES[setting % len(DASHES)]},
        text=[""] * (len(line) - 1) + [units.tokens(seq_len)],
        textposition="bottom center",
        meta=traces.made(rows.index),
        hoverinfo="skip",
    )


def _points(
    of: Series,
    rows: pd.DataFrame,
    best: Iterable[object],
    texts: pd.Series,
) -> list[go.Scatter]:
    """The points of one label: those on a front, and those that are dominated."""
    is_best = rows.index.isin(list(best))
    found = [(True, rows[is_best]), (False, rows[~is_best])]
    shown = [(filled, some) for filled, some in found if len(some)]
    return [
        go.Scatter(
            x=some["latency_ms"].tolist(),
            y=some["drawn"].tolist(),
            name=of.name,
            legendgroup=of.group,
            showlegend=nth == 0,
            mode="markers",
            opacity=1 if filled else DOMINATED,
            marker={
                "color": of.style.colour,
                "symbol": of.style.symbol + ("" if filled else "-open"),
                "size": 8 if filled else 7,
            },
            customdata=traces.numbers(some.index),
            meta=traces.each(),
            hovertext=texts[some.index].tolist(),
            hovertemplate=traces.HOVER,
        )
        for nth, (filled, some) in enumerate(shown)
    ]
