"""One label's latency and workspace over chunk size × T, as heat maps."""

from __future__ import annotations

import math
from html import escape

import pandas as pd
import plotly.graph_objects as go

from reports import settings, units
from reports.charts.hover import hover
from reports.statuses import outcome

CELL_FONT_PX = 11
SHORT_WORDS = {
    "out of memory": "no memory",
    "out of memory (predicted)": "no memory<br>(predicted)",
    "wrong answer": "wrong",
}
"""Outcomes whose own words are too long for a cell."""


def chunk_latency(frame: pd.DataFrame, label: str) -> go.Figure:
    """Latency of one label over chunk size × T.

    A cell's colour says how many times the best chunk size of its T it took, its text the median;
    the best of every T is bold. A point without a figure is an empty cell that says why.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        label: one of its labels that has chunk sizes.

    Raises:
        ValueError: the frame holds more than one setting, or no chunk size of this label.
    """
    return _map(frame, label, "latency_ms", "Latency")


def chunk_workspace(frame: pd.DataFrame, label: str) -> go.Figure:
    """Workspace of one label over chunk size × T; everything else as `chunk_latency`."""
    return _map(frame, label, "workspace_bytes", "Workspace")


def _map(frame: pd.DataFrame, label: str, column: str, name: str) -> go.Figure:
    settings.require_one(frame)
    rows = frame[(frame["label"] == label) & frame["chunk_size"].notna()]
    if rows.empty:
        raise ValueError(f"no row of {label!r} has a chunk size, so there is none to compare")
    # Two devices of one model may both have measured a point: a cell holds the faster.
    rows = rows.assign(valid=rows[column].astype("float64").where(rows["status"] == "ok"))
    rows = rows.sort_values("valid").drop_duplicates(["seq_len", "chunk_size"])
    value = rows["valid"]
    best = value.groupby(rows["seq_len"]).transform("min")
    cells = rows.assign(
        value=value,
        share=(value / best).where(best > 0),
        text=[_text(row, column, value[i] == best[i]) for i, row in rows.iterrows()],
        hover=[hover(row) for _, row in rows.iterrows()],
    )
    grid = {
        part: cells.pivot(index="seq_len", columns="chunk_size", values=part)
        for part in ("share", "text", "hover")
    }
    figure = go.Figure(_heat(grid["share"], grid["text"], grid["hover"]))
    _write_failures(figure, cells[cells["share"].isna()], grid["share"])
    figure.update_layout(
        title={"text": f"{name} of {escape(label)} over chunk size and T, × the best of each T"},
        xaxis={"title": {"text": "chunk size (tokens)"}, "type": "category", "showgrid": False},
        yaxis={
            "title": {"text": "sequence length T"},
            "type": "category",
            "automargin": True,
            "showgrid": False,
        },
        margin={"l": 10, "r": 10, "t": 40, "b": 50},
        template="plotly_white",
    )
    return figure


def _heat(share: pd.DataFrame, text: pd.DataFrame, hovers: pd.DataFrame) -> go.Heatmap:
    """The cells, coloured by the logarithm of their multiple of the best."""
    top = share.max().max()
    top = max(2.0, float(top)) if pd.notna(top) else 2.0
    ticks = [2.0**k for k in range(math.floor(math.log2(top)) + 1)]
    return go.Heatmap(
        x=[str(chunk) for chunk in share.columns],
        y=[units.tokens(T) for T in share.index],
        z=[[None if pd.isna(v) else math.log2(v) for v in line] for line in share.to_numpy()],
        text=text.where(text.notna(), "").to_numpy().tolist(),
        texttemplate="%{text}",
        textfont={"size": CELL_FONT_PX},
        hovertext=hovers.where(hovers.notna(), "not measured").to_numpy().tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        colorscale="Cividis",
        reversescale=True,
        zmin=0,
        zmax=math.log2(top),
        xgap=2,
        ygap=2,
        colorbar={
            "tickvals": [math.log2(tick) for tick in ticks],
            "ticktext": [f"{tick:g}×" for tick in ticks],
            "thickness": 12,
            "outlinewidth": 0,
        },
    )


def _text(row: pd.Series, column: str, is_best: bool) -> str:
    if row["status"] != "ok":
        words = outcome(row["status"], row["predicted"])
        return SHORT_WORDS.get(words, words)
    text = units.duration(row[column]) if column == "latency_ms" else units.size(row[column])
    # Number above unit: a cell on a phone is narrow.
    text = text.replace(" ", "<br>")
    return f"<b>{text}</b>" if is_best else text


def _write_failures(figure: go.Figure, cells: pd.DataFrame, share: pd.DataFrame) -> None:
    """Words in the cells without a colour, in which Plotly writes nothing itself."""
    for _, row in cells.iterrows():
        figure.add_annotation(
            # By position: Plotly would take the category "64" for a number.
            x=share.columns.get_loc(row["chunk_size"]),
            y=share.index.get_loc(row["seq_len"]),
            text=row["text"],
            hovertext=row["hover"],
            showarrow=False,
            font={"size": CELL_FONT_PX},
        )
