"""The strip above a figure against T: a cross where a label has no figure, a ring if left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from reports.charts import traces
from reports.charts.series import Series
from reports.schema import Status

LANE = 0.05
"""Height of the marks of one curve, as a share of the figure."""
HIGHEST_STRIP = 0.3
MARKS = {True: "circle-open", False: "x"}
"""Of what was left out, and of what was tried or foreseen in vain."""


@dataclass(frozen=True)
class Strip:
    """Marks above a figure, and the room they take."""

    marks: list[go.Scatter]
    height: float
    """As a share of the figure; 0 without a mark."""
    layout: dict[str, Any]
    """Of their axis."""


def failure_strip(
    frame: pd.DataFrame, found: Sequence[Series], value: pd.Series, texts: pd.Series
) -> Strip:
    """Mark every length at which a label has no figure with any of its chunk sizes.

    Every curve with such a length has a lane of its own, so that marks at one length do not hide
    each other. What failed beside a chunk size that did not is marked on a page on which this chunk
    size alone is chosen.

    Args:
        found: the frame's curves, `series.series(frame)`.
        value: what is drawn of every row; NaN where there is nothing.
        texts: `hover.hovers(frame)`.
    """
    is_failed = (value.isna() & (frame["status"] != Status.OK)).to_dict()
    lanes = [(of, rows) for of in found if (rows := [row for row in of.rows if is_failed[row]])]
    if not lanes:
        return Strip([], 0.0, {})
    seq_len = frame["seq_len"].to_dict()
    columns = frame[["seq_len", "chunk_size", "status"]].assign(text=texts)
    marks = []
    for lane, (of, rows) in enumerate(lanes):
        place = 1 - (lane + 0.5) / len(lanes)
        has_figure = {seq_len[row] for row in of.rows if not is_failed[row]}
        if everywhere := [row for row in rows if seq_len[row] not in has_figure]:
            marks.append(_marks(of, columns.loc[everywhere], place, traces.each()))
        partly = columns.loc[[row for row in rows if seq_len[row] in has_figure]]
        for _, at in partly.groupby("chunk_size"):
            mark = _marks(of, at, place, traces.made(at.index, alone=True))
            marks.append(mark.update(visible=False))
    height = min(LANE * len(lanes), HIGHEST_STRIP)
    is_seen = any(mark.visible is None for mark in marks)
    return Strip(marks, height, {"yaxis2": _axis(height, is_seen)})


def _axis(height: float, is_seen: bool) -> dict[str, Any]:
    return {
        "domain": [1 - height, 1],
        "range": [0, 1],
        "fixedrange": True,
        "anchor": "x",
        "tickvals": [0.5],
        "ticktext": ["no figure" if is_seen else ""],
        "showgrid": False,
        "zeroline": False,
    }


def _marks(of: Series, rows: pd.DataFrame, place: float, meta: dict[str, Any]) -> go.Scatter:
    is_left_out = rows["status"] == Status.LEFT_OUT
    return go.Scatter(
        x=rows["seq_len"].tolist(),
        y=[place] * len(rows),
        yaxis="y2",
        name=of.name,
        legendgroup=of.group,
        showlegend=False,
        mode="markers",
        marker={
            "color": of.style.colour,
            "symbol": [MARKS[left_out] for left_out in is_left_out],
            "size": 8,
        },
        customdata=traces.numbers(rows.index),
        meta=meta,
        hovertext=rows["text"].tolist(),
        hovertemplate=traces.HOVER,
    )
