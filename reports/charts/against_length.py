"""A figure of one quantity against T: a curve a label and setting, and marks for the rest.

A chunked attention is a curve through one chunk size a length, with its other chunk sizes as faint
marks. A length at which a label has no figure is a gap in its curve and a mark in the strip above.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from reports.charts import axes, traces
from reports.charts.failure_marks import failure_strip
from reports.charts.layout import figure
from reports.charts.series import Series

FAINT = 0.35
"""Opacity of the chunk sizes that a curve does not go through."""


@dataclass(frozen=True)
class Drawing:
    """What the figures against T differ in."""

    title: str
    subtitle: str
    nothing: str
    """The sentence of a figure without a value."""
    column: str
    """The column that is drawn, or what was made of it where there is none."""
    value: pd.Series
    """What is drawn of every row; NaN where there is nothing to draw."""
    rank: pd.Series
    """A curve goes through the row of each length in which this is lowest; NaN takes no part."""
    axis: Callable[[pd.Series], dict[str, Any]]
    interval: tuple[str, str] | None = None
    """Columns of the ends of the error bars."""


def against_length(
    frame: pd.DataFrame,
    found: Sequence[Series],
    drawing: Drawing,
    texts: pd.Series,
    *,
    below: Sequence[go.Scatter] = (),
    above: Sequence[go.Scatter] = (),
    room: int = 0,
) -> go.Figure:
    """Draw one quantity of a frame against T.

    Args:
        found: its curves, `series.series(frame)`.
        texts: `hover.hovers(frame)`.
        below, above: further traces, under and over the curves.
        room: what these need to the right of the axes, in pixels.
    """
    columns = _columns(frame, drawing, texts)
    drawn = [trace for of in found for trace in _traces(of, drawing, columns)]
    strip = failure_strip(frame, found, drawing.value, texts)
    layout = {
        "xaxis": axes.length_axis(frame["seq_len"]),
        "yaxis": value_axis(frame, drawing) | {"domain": [0, 1 - strip.height]},
        **strip.layout,
    }
    return figure(
        [*below, *drawn, *above, *strip.marks],
        layout,
        title=drawing.title,
        subtitle=drawing.subtitle,
        nothing="" if drawing.value.notna().any() else drawing.nothing,
        room=room,
    )


def value_axis(frame: pd.DataFrame, drawing: Drawing) -> dict[str, Any]:
    """The y axis, with room for all figures and the ends of their error bars."""
    drawn = drawing.value.dropna()
    ends = [frame.loc[drawn.index, name] for name in drawing.interval or ()]
    return drawing.axis(pd.concat([drawn, *ends]).dropna())


_Column = Mapping[int, Any]
"""A figure of every row, by its number: quicker to look up than in a Series."""


@dataclass(frozen=True)
class _Columns:
    seq_len: _Column
    chunk_size: _Column
    value: _Column
    rank: _Column
    is_column: _Column
    """Whether what is drawn is what the column of the drawing holds."""
    low: _Column
    high: _Column
    text: _Column


def _columns(frame: pd.DataFrame, drawing: Drawing, texts: pd.Series) -> _Columns:
    missing = pd.Series(math.nan, index=frame.index)
    original = frame.get(drawing.column, missing).astype("float64")
    is_column = (original == drawing.value) | (original.isna() & drawing.value.isna())
    low, high = [frame[name] for name in drawing.interval] if drawing.interval else [missing] * 2
    return _Columns(
        seq_len=frame["seq_len"].to_dict(),
        chunk_size=frame["chunk_size"].fillna(0).to_dict(),
        value=drawing.value.to_dict(),
        rank=drawing.rank.to_dict(),
        is_column=is_column.to_dict(),
        low=low.to_dict(),
        high=high.to_dict(),
        text=texts.to_dict(),
    )


def _traces(of: Series, drawing: Drawing, columns: _Columns) -> list[go.Scatter]:
    """The curve of one label and the marks of its other chunk sizes."""
    ranked = sorted(
        (row for row in of.rows if not math.isnan(columns.rank[row])),
        key=lambda row: (columns.rank[row], columns.chunk_size[row]),
    )
    candidates: dict[int, list[int]] = {columns.seq_len[row]: [] for row in of.rows}
    for row in ranked:
        candidates[columns.seq_len[row]].append(row)
    first = {rows[0] for rows in candidates.values() if rows}
    others = [row for row in of.rows if row not in first and not math.isnan(columns.value[row])]
    found = [_faint_marks(of, others, columns)] if others else []
    return [*found, _curve(of, candidates, drawing, columns)] if ranked else found


def _curve(
    of: Series, candidates: Mapping[int, list[int]], drawing: Drawing, columns: _Columns
) -> go.Scatter:
    """The curve of one label, broken at the lengths at which it has no figure."""
    lengths = sorted(candidates)
    rows = [candidates[T] for T in lengths]
    lead = [at[0] if at else None for at in rows]
    error = None
    if drawing.interval is not None:
        error = {
            "type": "data",
            "array": _differences(lead, columns.high, columns.value),
            "arrayminus": _differences(lead, columns.value, columns.low),
            "width": 3,
            "thickness": 1.2,
        }
    # The page may draw another row of a point only if it knows its figure: from the column.
    by_column = all(columns.is_column[at[0]] for at in rows if at)
    known = [[row for row in at if columns.is_column[row]] for at in rows]
    return go.Scatter(
        x=lengths,
        y=[None if row is None else _number(columns.value[row]) for row in lead],
        error_y=error,
        name=of.name,
        legendgroup=of.group,
        mode="lines+markers",
        line={"color": of.style.colour, "dash": of.dash, "width": 2},
        marker={"color": of.style.colour, "symbol": of.style.symbol, "size": 8},
        customdata=known if by_column else lead,
        meta=traces.best(drawing.column, *(drawing.interval or ())) if by_column else traces.each(),
        hovertext=["" if row is None else columns.text[row] for row in lead],
        hovertemplate=traces.HOVER,
    )


def _faint_marks(of: Series, rows: Sequence[int], columns: _Columns) -> go.Scatter:
    """The chunk sizes that the curve does not go through."""
    return go.Scatter(
        x=[columns.seq_len[row] for row in rows],
        y=[columns.value[row] for row in rows],
        name=of.name,
        legendgroup=of.group,
        showlegend=False,
        mode="markers",
        opacity=FAINT,
        marker={"color": of.style.colour, "symbol": of.style.symbol, "size": 6},
        customdata=list(rows),
        meta=traces.each(),
        hovertext=[columns.text[row] for row in rows],
        hovertemplate=traces.HOVER,
    )


def _differences(rows: Sequence[int | None], above: _Column, below: _Column) -> list[float | None]:
    return [None if row is None else _number(above[row] - below[row]) for row in rows]


def _number(value: float) -> float | None:
    """The value, or None without one: JSON has no NaN."""
    return None if math.isnan(value) else value
