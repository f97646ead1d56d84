"""Charts of one setting against T; pure functions from a frame to a Plotly figure.

A chunked attention is a curve through one chunk size a length, with its other chunk sizes as
faint marks. A length at which a label has no figure is a gap in its curve and a mark above: a
cross, or a ring where it was left out for lack of time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from reports import settings, units
from reports.charts import axes
from reports.charts.hover import hover
from reports.compare import fastest
from reports.palette import Style, Styles, styles
from reports.statuses import outcomes

MARK_HEIGHT_PX = 14
FAILED_MARK = "✕"
LEFT_OUT_MARK = "○"


@dataclass(frozen=True)
class _Drawing:
    """What the charts against T differ in."""

    title: str
    value: pd.Series
    """The figure of every row, missing where there is none to draw."""
    curve: pd.DataFrame
    """The rows that the curves go through: one a label and length."""
    axis: Callable[[pd.Series], dict[str, Any]]
    with_interval: bool = False


def latency(frame: pd.DataFrame, look: Styles | None = None) -> go.Figure:
    """Median latency with its 95% interval against T, both logarithmic, fastest chunk sizes.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        look: `palette.styles` of a larger frame, for the same colours on all its charts.

    Raises:
        ValueError: the frame holds more than one setting.
    """
    value = frame["latency_ms"].where(frame["status"] == "ok")
    title = "Latency with its 95% interval, fastest chunk size at each T"
    drawing = _Drawing(title, value, fastest(frame), axes.time_axis, with_interval=True)
    return _against_length(frame, drawing, look)


def workspace(frame: pd.DataFrame, look: Styles | None = None) -> go.Figure:
    """Workspace against T, both logarithmic, at the chunk sizes of the latency curves.

    Arguments and errors as `latency`.
    """
    value = frame["workspace_bytes"].astype("float64").where(frame["status"] == "ok")
    title = "Workspace, at the same chunk sizes"
    return _against_length(frame, _Drawing(title, value, fastest(frame), axes.size_axis), look)


def distance(frame: pd.DataFrame, look: Styles | None = None) -> go.Figure:
    """Distance to full attention against T, at the chunk sizes of the latency curves.

    Linear, or logarithmic where a distance is far above 1. Arguments and errors as `latency`.
    """
    value = frame["distance_to_full"].where(frame["status"] == "ok")
    if value.max() > axes.LONGEST_LINEAR_DISTANCE:
        value = value.clip(lower=axes.DISTANCE_FLOOR)
    title = (
        "Distance to full attention at the same chunk sizes: "
        "0 equals it, 1 (dotted) is as far off as no attention at all"
    )
    drawing = _Drawing(title, value, fastest(frame), axes.distance_axis)
    return _with_line_at_one(_against_length(frame, drawing, look))


def oracle(frame: pd.DataFrame, look: Styles | None = None) -> go.Figure:
    """Error against the float64 oracle as a multiple of its bound, worst chunk size at each T.

    Of the error of the whole output and that of its worst element, the larger multiple. Above 1 the
    answer is wrong. An exact or an infinite error stands at the chart's edge.
    Arguments and errors as `latency`.
    """
    pairs = [("oracle_error", "oracle_bound"), ("oracle_max_error", "oracle_max_bound")]
    # 0/0 is an exact answer under a bound that allows no error.
    share = pd.concat(
        [(frame[error] / frame[bound]).where(frame[error] != 0, 0) for error, bound in pairs],
        axis="columns",
    ).max(axis="columns")
    drawn = share[(share > 0) & (share < math.inf)]
    edges = (drawn.min() / 10, drawn.max() * 10) if len(drawn) else (0.1, 10.0)
    value = share.clip(min(edges[0], 0.1), max(edges[1], 10.0))
    worst = frame.assign(share=share).sort_values("share", ascending=False)
    worst = worst[worst["share"].notna()].drop_duplicates(["label", "seq_len"])
    curve = worst.sort_values(["label", "seq_len"])
    title = (
        "Error against the float64 oracle as a multiple of its bound, worst element and chunk "
        "size: above 1 (dotted) the answer is wrong"
    )
    drawing = _Drawing(title, value, curve, axes.share_axis)
    return _with_line_at_one(_against_length(frame, drawing, look))


def _against_length(frame: pd.DataFrame, drawing: _Drawing, look: Styles | None) -> go.Figure:
    settings.require_one(frame)
    look = styles(frame) if look is None else look
    figure = go.Figure()
    drawn = drawing.value.dropna().index
    for label in [label for label in look if label in set(frame["label"])]:
        rows = frame[frame["label"] == label]
        curve = drawing.curve[drawing.curve["label"] == label]
        others = rows[rows.index.isin(drawn) & ~rows.index.isin(curve.index)]
        if len(others):
            figure.add_trace(_faint_marks(others, drawing, look[label]))
        if len(curve):
            figure.add_trace(_curve(rows, curve, drawing, look[label]))
    stacked = _mark_gaps(figure, frame, drawn, look)
    figure.update_layout(
        title={"text": drawing.title},
        xaxis=axes.length_axis(frame["seq_len"]),
        yaxis=drawing.axis(_extent_values(frame, drawing)),
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        margin={"l": 10, "r": 10, "t": 40 + stacked * MARK_HEIGHT_PX, "b": 10},
        hovermode="closest",
        template="plotly_white",
    )
    figure.update_yaxes(automargin=True, title_standoff=6)
    figure.update_xaxes(automargin=True, title_standoff=12)
    return figure


def _extent_values(frame: pd.DataFrame, drawing: _Drawing) -> pd.Series:
    """All that the axis must hold: the figures, and the ends of their error bars."""
    if not drawing.with_interval:
        return drawing.value.dropna()
    drawn = frame.loc[drawing.curve.index]
    ends = [drawing.value, drawn["latency_low_ms"], drawn["latency_high_ms"]]
    return pd.concat(ends).dropna()


def _curve(rows: pd.DataFrame, curve: pd.DataFrame, drawing: _Drawing, style: Style) -> go.Scatter:
    """The curve of one label, broken at the lengths at which it has no figure."""
    at = curve.set_index("seq_len", drop=False)
    value = drawing.value[curve.index].set_axis(at.index)
    lengths = sorted(set(rows["seq_len"]))
    error = None
    if drawing.with_interval:
        up = (at["latency_high_ms"] - at["latency_ms"]).reindex(lengths)
        down = (at["latency_ms"] - at["latency_low_ms"]).reindex(lengths)
        error = {"type": "data", "array": up.tolist(), "arrayminus": down.tolist(), "width": 4}
    label = str(curve["label"].iloc[0])
    return go.Scatter(
        x=lengths,
        y=value.reindex(lengths).tolist(),
        error_y=error,
        name=escape(label),
        legendgroup=label,
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 2.5},
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        hovertext=[hover(at.loc[T]) if T in at.index else "" for T in lengths],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _faint_marks(rows: pd.DataFrame, drawing: _Drawing, style: Style) -> go.Scatter:
    """The chunk sizes that the curve does not go through."""
    label = str(rows["label"].iloc[0])
    return go.Scatter(
        x=rows["seq_len"].tolist(),
        y=drawing.value[rows.index].tolist(),
        name=escape(label),
        legendgroup=label,
        showlegend=False,
        mode="markers",
        opacity=0.35,
        marker={"color": style.colour, "symbol": style.symbol, "size": 7},
        hovertext=[hover(row) for _, row in rows.iterrows()],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _mark_gaps(figure: go.Figure, frame: pd.DataFrame, drawn: pd.Index, look: Styles) -> int:
    """A mark above every length at which a label has no figure with any of its chunk sizes.

    Returns:
        The largest number of marks above one length.
    """
    has_figure = set(zip(*(frame.loc[drawn, name] for name in ("label", "seq_len")), strict=True))
    stacked: dict[int, int] = {}
    for label in [label for label in look if label in set(frame["label"])]:
        for seq_len, rows in frame[frame["label"] == label].groupby("seq_len"):
            if (label, seq_len) in has_figure or (rows["status"] == "ok").any():
                continue
            is_left_out = (rows["status"] == "left_out").all()
            figure.add_annotation(
                # Plotly takes an annotation's place on a logarithmic axis as the exponent.
                x=math.log10(seq_len),
                y=1,
                yref="paper",
                yanchor="bottom",
                yshift=stacked.get(seq_len, 0) * MARK_HEIGHT_PX,
                text=LEFT_OUT_MARK if is_left_out else FAILED_MARK,
                showarrow=False,
                font={"color": look[label].colour, "size": 13},
                hovertext=f"<b>{escape(label)}</b>, T = {units.tokens(seq_len)}: {outcomes(rows)}",
            )
            stacked[seq_len] = stacked.get(seq_len, 0) + 1
    return max(stacked.values(), default=0)


def _with_line_at_one(figure: go.Figure) -> go.Figure:
    """A dotted line across the chart; the title says what it means, clear of the curves."""
    return figure.add_hline(y=1, line={"dash": "dot", "width": 1.5})
