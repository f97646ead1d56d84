"""Whether the answers are right, and how near they come to full attention, against T."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from reports.charts import axes
from reports.charts.against_length import Drawing, against_length
from reports.charts.hover import hovers
from reports.charts.series import numbered, series

CHECKS = (("oracle_error", "oracle_bound"), ("oracle_max_error", "oracle_max_bound"))


def oracle(frame: pd.DataFrame) -> go.Figure:
    """Error against the float64 oracle as a multiple of its bound, worst chunk size at each T.

    Of the error of the whole output and that of its worst element, the larger multiple. Above 1 the
    answer is wrong. An exact or an infinite error stands at the chart's edge.

    Args:
        frame: of `reports.load`, of any number of settings; no curve joins two of them.
    """
    frame = numbered(frame)
    # 0/0 is an exact answer under a bound that allows no error.
    share = pd.concat(
        [(frame[error] / frame[bound]).where(frame[error] != 0, 0) for error, bound in CHECKS],
        axis="columns",
    ).max(axis="columns")
    drawn = share[(share > 0) & (share < math.inf)]
    edges = (drawn.min() / 10, drawn.max() * 10) if len(drawn) else (0.1, 10.0)
    drawing = Drawing(
        title="Error against the float64 oracle",
        subtitle="of the bound that the dtype explains, worst chunk size;<br>"
        "above 1 (dotted) the answer is wrong",
        nothing="No point was checked against an oracle.",
        column="multiple of the bound",
        value=share.clip(min(edges[0], 0.1), max(edges[1], 10.0)),
        rank=-share,
        axis=axes.share_axis,
    )
    return _with_line_at_one(against_length(frame, series(frame), drawing, hovers(frame)))


def distance(frame: pd.DataFrame) -> go.Figure:
    """Distance to full attention against T, at the chunk sizes of the latency curves.

    Linear, or logarithmic where a distance is far above 1. Arguments as `oracle`.
    """
    frame = numbered(frame)
    is_ok = frame["status"] == "ok"
    drawing = Drawing(
        title="Distance to full attention",
        subtitle="fastest chunk sizes; 0 equals full attention,<br>"
        "1 (dotted) is as far off as no attention at all",
        nothing="No point has a distance to full attention.",
        column="distance_to_full",
        value=drawn_distance(frame),
        rank=frame["latency_ms"].where(is_ok),
        axis=axes.distance_axis,
    )
    return _with_line_at_one(against_length(frame, series(frame), drawing, hovers(frame)))


def drawn_distance(frame: pd.DataFrame) -> pd.Series:
    """Distances of the rows that are ok, as `axes.distance_axis` has room for them."""
    value = frame["distance_to_full"].where(frame["status"] == "ok")
    is_wide = value.max() > axes.LONGEST_LINEAR_DISTANCE
    return value.clip(lower=axes.DISTANCE_FLOOR) if is_wide else value


def _with_line_at_one(figure: go.Figure) -> go.Figure:
    """A dotted line across the chart; the subtitle says what it means, clear of the curves."""
    return figure.add_hline(y=1, line={"dash": "dot", "width": 1.5})
