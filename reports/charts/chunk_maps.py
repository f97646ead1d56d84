"""One label's latency and workspace over chunk size × T, as heat maps with the law's optimum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from reports import units
from reports.charts import traces
from reports.charts.chunked import Chunked, chunked
from reports.charts.layout import figure
from reports.charts.optimum_marks import BELOW, optimum_marks
from reports.statuses import outcome

CELL_FONT_PX = 11
INK = ("#000000", "#ffffff")
"""Of the text on light and on dark cells; of Plotly's own choice the lighter is a grey."""
DARK_FROM = 0.53
"""Where on the scale of colours, from the best, white text is read better than black."""
SCALES = {
    "ms": 1.0,
    "s": 1e3,
    "B": 1.0,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
}
MARKS_ROOM = 0.2
"""Below the lowest row, for the marks on its border, in steps of the axis."""
SHORT_WORDS = {
    "out of memory": "no memory",
    "out of memory (predicted)": "no memory<br>(predicted)",
    "wrong answer": "wrong",
}
"""Outcomes whose own words are too long for a cell."""


def chunk_latency(frame: pd.DataFrame, label: str) -> go.Figure:
    """Latency of one label over chunk size × T.

    A cell's colour says how many times the best chunk size of its T it took, its text the median,
    in one unit for all; the best of every T is bold. A point without a figure is an empty cell that
    says why. A diamond on the lower border of a T is n*(T), the best chunk size of the law fitted
    to these points, with its 95% interval.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        label: one of its labels that has chunk sizes.

    Raises:
        ValueError: the frame holds more than one setting, or no chunk size of this label.
    """
    return latency_map(chunked(frame, label))


def chunk_workspace(frame: pd.DataFrame, label: str) -> go.Figure:
    """Workspace of one label over chunk size × T; everything else as `chunk_latency`.

    But for the diamonds: the law is one of latency, and has no best chunk size for memory.
    """
    return workspace_map(chunked(frame, label))


def latency_map(of: Chunked) -> go.Figure:
    """`chunk_latency` of rows that are at hand."""
    return _map(of, "latency_ms", "Latency")


def workspace_map(of: Chunked) -> go.Figure:
    """`chunk_workspace` of rows that are at hand."""
    return _map(of, "workspace_bytes", "Workspace")


def _map(of: Chunked, column: str, name: str) -> go.Figure:
    value = of.rows[column].astype("float64").where(of.rows["status"] == "ok")
    best = value.groupby(of.rows["seq_len"]).transform("min")
    unit = _unit(value, column)
    cells = of.rows[["seq_len", "chunk_size"]].assign(
        share=(value / best).where(best > 0),
        text=[
            _text(row, column, unit, value[i] == best[i])
            for i, row in of.rows[[column, "status", "predicted"]].to_dict("index").items()
        ],
        hover=of.texts[of.rows.index],
        row=of.rows.index,
    )
    grid = {
        part: cells.pivot(index="seq_len", columns="chunk_size", values=part)
        for part in ("share", "text", "hover", "row")
    }
    lengths, chunks = grid["share"].index.tolist(), grid["share"].columns.tolist()
    optimum = optimum_marks(of, lengths, chunks) if column == "latency_ms" else []
    yaxis = _axis("sequence length T", [units.tokens(T) for T in lengths])
    if optimum:
        yaxis["range"] = [-BELOW - MARKS_ROOM, len(lengths) - 0.5]
    layout = {
        "xaxis": _axis("chunk size (tokens)", [str(chunk) for chunk in chunks]),
        "yaxis": yaxis,
        "yaxis2": {"overlaying": "y", "matches": "y", "visible": False},
        "meta": {"rows": traces.numbers(of.rows.index)},
    }
    how = f"in {unit}; colour: multiple of each T’s best (bold)" + (
        ";<br>diamond under a row: the law’s best, with interval" if optimum else ""
    )
    return figure(
        [_heat(grid), *_failures(cells, lengths, chunks), *optimum],
        layout,
        title=f"{name} of {of.name}",
        subtitle=how,
    )


def _axis(title: str, words: Sequence[str]) -> dict[str, object]:
    """An axis with a step for each word; linear, so that a mark may lie between two."""
    return {
        "title": {"text": title},
        "tickvals": list(range(len(words))),
        "ticktext": list(words),
        "range": [-0.5, len(words) - 0.5],
        "showgrid": False,
        "zeroline": False,
    }


def _heat(grid: dict[str, pd.DataFrame]) -> go.Heatmap:
    """The cells, coloured by the logarithm of their multiple of the best."""
    share = grid["share"]
    top = share.max().max()
    top = max(2.0, float(top)) if pd.notna(top) else 2.0
    ticks = [2.0**k for k in range(math.floor(math.log2(top)) + 1)]
    text, hover, rows = (grid[part] for part in ("text", "hover", "row"))
    return go.Heatmap(
        x=list(range(share.shape[1])),
        y=list(range(share.shape[0])),
        z=[[None if pd.isna(v) else math.log2(v) for v in line] for line in share.to_numpy()],
        text=[
            ["" if pd.isna(at) else _inked(words, at, top) for words, at in zip(*line, strict=True)]
            for line in zip(text.to_numpy(), share.to_numpy(), strict=True)
        ],
        texttemplate="%{text}",
        textfont={"size": CELL_FONT_PX},
        customdata=[[None if pd.isna(i) else int(i) for i in line] for line in rows.to_numpy()],
        meta=traces.cells(),
        hovertext=hover.where(hover.notna(), "not measured").to_numpy().tolist(),
        hovertemplate=traces.HOVER,
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


def _text(row: dict[str, object], column: str, unit: str, is_best: bool) -> str:
    if row["status"] == "ok" and pd.isna(row[column]):
        return ""
    if row["status"] != "ok":
        words = outcome(str(row["status"]), bool(row["predicted"]))
        return SHORT_WORDS.get(words, words)
    text = units.factor(float(str(row[column])) / SCALES[unit]).removesuffix("×")
    return f"<b>{text}</b>" if is_best else text


def _unit(value: pd.Series, column: str) -> str:
    """One for all cells, so that none needs it beside its number: that of the middle one."""
    in_words = units.duration if column == "latency_ms" else units.size
    middle = value.median()
    return in_words(0.0 if pd.isna(middle) else float(middle)).split(" ")[1]


def _inked(text: str, share: float, top: float) -> str:
    """The text of a cell, in the colour that is read best on the cell's own."""
    return f'<span style="color:{INK[math.log2(share) > DARK_FROM * math.log2(top)]}">{text}</span>'


def _failures(
    cells: pd.DataFrame, lengths: Sequence[int], chunks: Sequence[int]
) -> list[go.Scatter]:
    """Words in the cells without a colour, in which Plotly writes nothing itself."""
    failed = cells[cells["share"].isna()]
    if failed.empty:
        return []
    return [
        go.Scatter(
            x=[chunks.index(chunk) for chunk in failed["chunk_size"]],
            y=[lengths.index(T) for T in failed["seq_len"]],
            # An axis of their own: what is left of them is no measure of how far the map goes.
            yaxis="y2",
            mode="text",
            text=failed["text"].tolist(),
            textfont={"size": CELL_FONT_PX},
            showlegend=False,
            customdata=traces.numbers(failed.index),
            meta=traces.each(),
            hovertext=failed["hover"].tolist(),
            hovertemplate=traces.HOVER,
        )
    ]
