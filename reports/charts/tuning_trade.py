"""What latency is traded for at one length of a tuning: distance to full, and workspace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from reports import units
from reports.charts import axes
from reports.charts.layout import figure
from reports.charts.traces import HOVER
from reports.charts.tuning import CHOSEN, ends_of, hover, over, ratio_axis
from reports.palette import NAMED
from reports.tuning.decision import Decision, Entry

LEAST_PX, MORE_PX = 8, 14
"""Size of a mark without workspace, and what is added for the most of all."""


def tuning_trade(decision: Decision) -> go.Figure:
    """Distance to full attention, or the workspace where there is none, against latency.

    What is on the Pareto front of latency, workspace and distance is filled, with its chunk size
    beside it; the size of a mark says how much workspace it takes.
    """
    drawn = [entry for entry in decision.entries if entry.ratio is not None]
    by_distance = any(entry.contender.distance_to_full is not None for entry in drawn)
    known = [(entry, y) for entry in drawn if (y := _traded(entry, by_distance)) is not None]
    values = [y for _, y in known]
    traces = [_trade(decision, known, on_front, by_distance) for on_front in (True, False)]
    sizes = "; larger marks: more workspace" if by_distance else ""
    return figure(
        [trace for trace in traces if len(trace.x)],
        {
            "xaxis": ratio_axis(
                [ends_of(entry)[1] for entry, _ in known], f"latency, {over(decision)}"
            ),
            "yaxis": _span_axis(values) if by_distance else axes.size_axis(values),
        },
        title=f"What is traded at T = {units.tokens(decision.seq_len)}",
        subtitle=f"filled: nothing else is as good in all three{sizes}",
        nothing="" if known else "Neither workspace nor distance is known.",
    )


def disagrees(decision: Decision) -> bool:
    """Whether latency, workspace and distance want different chunk sizes."""
    return len(decision.front) > 1


def _trade(
    decision: Decision,
    known: Sequence[tuple[Entry, float]],
    on_front: bool,
    by_distance: bool,
) -> go.Scatter:
    of = [(entry, y) for entry, y in known if entry.on_front is on_front]
    most = max((e.contender.workspace_bytes or 0 for e, _ in known), default=0) or 1
    marks = [
        LEAST_PX + MORE_PX * math.sqrt((entry.contender.workspace_bytes or 0) / most)
        if by_distance
        else 11
        for entry, _ in of
    ]
    chosen = [entry.chunk_size == decision.chunk_size for entry, _ in of]
    return go.Scatter(
        x=[ends_of(entry)[1] for entry, _ in of],
        y=[y for _, y in of],
        name="on the front" if on_front else "another is as good",
        mode="markers+text",
        marker={
            "color": [CHOSEN if is_chosen else NAMED["full"] for is_chosen in chosen],
            "symbol": "circle" if on_front else "circle-open",
            "size": marks,
            "opacity": 0.8 if on_front else 0.5,
        },
        text=[str(entry.chunk_size) for entry, _ in of],
        textposition="top right",
        textfont={"size": 11},
        hovertext=[hover(entry, decision) for entry, _ in of],
        hovertemplate=HOVER,
    )


def _traded(entry: Entry, by_distance: bool) -> float | None:
    of = entry.contender
    return of.distance_to_full if by_distance else of.workspace_bytes


def _span_axis(values: Sequence[float]) -> dict[str, Any]:
    """A linear axis around distances: how they differ is what is chosen by."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.12 * (high - low) or 0.05
    return {"title": {"text": "distance to full"}, "range": [low - margin, high + margin]}
