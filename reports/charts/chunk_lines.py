"""One label's latency against chunk size, a curve for each T, beside the law fitted to all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from reports import units
from reports.charts import axes, traces
from reports.charts.chunked import Chunked, chunked
from reports.charts.layout import figure, wrapped
from reports.charts.optimum_marks import is_number, sentence
from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.palette import SEQUENCE

POINTS = 16
"""Of a line of the law."""
ROOM = 1.25
"""How far the axis goes beyond the outermost chunk sizes, as a factor."""


def chunk_curves(frame: pd.DataFrame, label: str) -> go.Figure:
    """Latency of one label against chunk size, relative to the best chunk size of the same T.

    Lines join what was measured, dotted ones are the law fitted to all of it, and a diamond is
    its optimum at that T. One colour a length, from blue for the shortest to orange.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        label: one of its labels that has chunk sizes.

    Raises:
        ValueError: the frame holds more than one setting, or no chunk size of this label.
    """
    return curves_of(chunked(frame, label))


def curves_of(of: Chunked) -> go.Figure:
    """`chunk_curves` of rows that are at hand."""
    ok = of.rows[(of.rows["status"] == "ok") & (of.rows["latency_ms"] > 0)]
    ok = ok.assign(share=ok["latency_ms"] / ok.groupby("seq_len")["latency_ms"].transform("min"))
    lengths = sorted(of.rows["seq_len"].unique().tolist())
    span = math.log2(lengths[-1] / lengths[0]) or 1.0
    drawn: list[go.Scatter] = []
    fitted: list[go.Scatter] = []
    for T, rows in ok.groupby("seq_len"):
        share_of_span = math.log2(T / lengths[0]) / span
        colour = sample_colorscale(list(SEQUENCE), [share_of_span])[0]
        drawn.append(_measured(int(T), rows, colour, of.texts))
        if isinstance(of.law, ChunkLaw):
            best = float(rows["latency_ms"].min())
            beside = _fitted(of, of.law, int(T), best, colour)
            fitted += beside
            drawn += beside
    chunks = sorted(of.rows["chunk_size"].unique().tolist())
    ticks = axes.length_axis(lengths)["tickvals"]
    layout = {
        "xaxis": {
            "type": "log",
            "title": {"text": "chunk size (tokens)"},
            "tickvals": chunks,
            "ticktext": [str(chunk) for chunk in chunks],
            "range": [math.log10(chunks[0] / ROOM), math.log10(chunks[-1] * ROOM)],
        },
        "yaxis": axes.multiple_axis(ok["share"]),
        "coloraxis": {
            "colorscale": list(SEQUENCE),
            "cmin": math.log2(lengths[0]),
            "cmax": math.log2(lengths[0]) + span,
            "colorbar": {
                "title": {"text": "T"},
                "tickvals": [math.log2(T) for T in ticks],
                "ticktext": [units.tokens(T) for T in ticks],
                "thickness": 12,
                "outlinewidth": 0,
            },
        },
        "meta": {"rows": traces.numbers(of.rows.index)},
    }
    how = "latency, × the best chunk size of the same T" + _about_the_law(of.law, fitted)
    nothing = "" if len(ok) else "No chunk size has a valid latency."
    return figure(drawn, layout, title=f"Chunk sizes of {of.name}", subtitle=how, nothing=nothing)


def _about_the_law(law: ChunkLaw | Unfit, fitted: Sequence[go.Scatter]) -> str:
    """What the subtitle says of it: of no more than is drawn."""
    if isinstance(law, Unfit):
        return f";<br>{wrapped(f'no law is drawn: {law.reason}')}"
    if not fitted:
        return ""
    has_optimum = any(trace.mode == "markers" for trace in fitted)
    return ";<br>dotted: the law fitted to all" + (", diamond: its best" if has_optimum else "")


def _measured(seq_len: int, rows: pd.DataFrame, colour: str, texts: pd.Series) -> go.Scatter:
    rows = rows.sort_values("chunk_size")
    return go.Scatter(
        x=rows["chunk_size"].astype(int).tolist(),
        y=rows["share"].tolist(),
        name=f"T = {units.tokens(seq_len)}",
        legendgroup=str(seq_len),
        showlegend=False,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": [math.log2(seq_len)] * len(rows), "coloraxis": "coloraxis", "size": 8},
        customdata=traces.numbers(rows.index),
        meta=traces.each(),
        hovertext=texts[rows.index].tolist(),
        hovertemplate=traces.HOVER,
    )


def _fitted(of: Chunked, law: ChunkLaw, seq_len: int, best: float, colour: str) -> list[go.Scatter]:
    """The law at one length, over the chunk sizes fitted there, and its optimum."""
    sizes = [n for n in law.chunk_sizes if n <= seq_len]
    if not law.since <= seq_len <= law.until or len(sizes) < 2:
        return []
    grid = np.geomspace(sizes[0], sizes[-1], POINTS)
    common = {
        "name": f"T = {units.tokens(seq_len)}",
        "legendgroup": str(seq_len),
        "showlegend": False,
        "meta": traces.made(law.rows),
    }
    line = go.Scatter(
        x=grid.tolist(),
        y=(law.at(seq_len, grid) / best).tolist(),
        mode="lines",
        line={"color": colour, "width": 1.2, "dash": "dot"},
        hoverinfo="skip",
        **common,
    )
    found = [optimum for optimum in of.optima if optimum.seq_len == seq_len and is_number(optimum)]
    marks = [
        go.Scatter(
            x=[optimum.chunk_size],
            y=(law.at(seq_len, [optimum.chunk_size]) / best).tolist(),
            mode="markers",
            marker={"color": colour, "symbol": "diamond-tall-open", "size": 12},
            hovertext=[sentence(optimum)],
            hovertemplate=traces.HOVER,
            **common,
        )
        for optimum in found
        if sizes[0] / ROOM < optimum.chunk_size < sizes[-1] * ROOM
    ]
    return [line, *marks]
