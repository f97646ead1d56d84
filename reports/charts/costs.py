"""What attention costs against T: latency and workspace, with their growth and crossovers."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from reports.charts import axes
from reports.charts.against_length import Drawing, against_length, value_axis
from reports.charts.crossover_marks import crossover_marks
from reports.charts.fits import WORDS_PX, fit_traces, fits
from reports.charts.hover import hovers
from reports.charts.series import drawn_columns, numbered, series
from reports.models.curves import Quantity


def scaling(frame: pd.DataFrame) -> go.Figure:
    """Median latency with its 95% interval against T, through the fastest chunk size of each T.

    With the growth of every curve in its 95% band, the exponent at its end, and a diamond where one
    curve overtakes another. What is about one chunk size alone is there, but not visible.

    Args:
        frame: of `reports.load`, of any number of settings; no curve joins two of them.
    """
    frame = numbered(frame)
    # A clock too coarse to see a call gives zeros, which have no place on a logarithmic axis.
    latency = frame["latency_ms"].where((frame["status"] == "ok") & (frame["latency_ms"] > 0))
    drawing = Drawing(
        title="Latency against T, fastest chunk size at each",
        subtitle="faint: other chunk sizes; band: 95% of the growth;<br>"
        "diamond: a crossover with its 95% interval",
        nothing="No point has a valid latency.",
        column="latency_ms",
        value=latency,
        rank=latency,
        axis=axes.time_axis,
        interval=("latency_low_ms", "latency_high_ms"),
    )
    return _with_growth(frame, drawing, "latency")


def memory(frame: pd.DataFrame) -> go.Figure:
    """Workspace against T, at the chunk sizes of the latency curves, with its growth.

    Arguments as `scaling`.
    """
    frame = numbered(frame)
    is_ok, workspace = frame["status"] == "ok", frame["workspace_bytes"].astype("float64")
    drawing = Drawing(
        title="Workspace against T, at the same chunk sizes",
        subtitle="peak above what was resident before the call;<br>"
        "faint: other chunk sizes; band: 95% of the growth",
        nothing="No point has a valid workspace.",
        column="workspace_bytes",
        value=workspace.where(is_ok & (workspace > 0)),
        rank=frame["latency_ms"].where(is_ok),
        axis=axes.size_axis,
    )
    return _with_growth(frame, drawing, "workspace")


def _with_growth(frame: pd.DataFrame, drawing: Drawing, quantity: Quantity) -> go.Figure:
    found = series(frame)
    groups = fits(drawn_columns(frame), found, quantity)
    return against_length(
        frame,
        found,
        drawing,
        hovers(frame),
        below=fit_traces(groups, value_axis(frame, drawing)),
        above=crossover_marks(groups) if quantity == "latency" else [],
        room=WORDS_PX if groups else 0,
    )
