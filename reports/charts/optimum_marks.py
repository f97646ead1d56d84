"""n*(T), the best chunk size of the law, as diamonds between the rows of a chunk map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from reports import units
from reports.charts import traces
from reports.charts.chunked import Chunked
from reports.models.growth import Unfit
from reports.models.optimum import Optimum

STROKES = (("#ffffff", 4), ("#1b1f24", 1.6))
"""A mark, and a wider one under it: it must be seen on every colour of the cells."""
BELOW = 0.5
"""How far they are below the middle of the cells, in steps of the axis: on their lower border,
clear of their text. A line that joined the marks would cross it."""


def optimum_marks(of: Chunked, lengths: Sequence[int], chunks: Sequence[int]) -> list[go.Scatter]:
    """The optimum of every length at which it is a number, with its 95% interval.

    Args:
        lengths, chunks: of the map's rows and columns, ascending, each a step of its axis.
    """
    found = [optimum for optimum in of.optima if is_number(optimum)]
    if not found or isinstance(of.law, Unfit):
        return []
    at, low, high = (
        [place(getattr(optimum, end), chunks) for optimum in found]
        for end in ("chunk_size", "low", "high")
    )
    return [
        go.Scatter(
            x=at,
            y=[lengths.index(optimum.seq_len) - BELOW for optimum in found],
            error_x={
                "type": "data",
                "array": [end - x for end, x in zip(high, at, strict=True)],
                "arrayminus": [x - end for end, x in zip(low, at, strict=True)],
                "color": colour,
                "thickness": width,
                "width": 1 + width,
            },
            mode="markers",
            marker={"color": colour, "size": 4 + width, "symbol": "diamond"},
            name="n*(T)",
            showlegend=False,
            meta=traces.made(of.law.rows),
            hovertext=[sentence(optimum) for optimum in found],
            hovertemplate=traces.HOVER,
        )
        for colour, width in STROKES
    ]


def place(chunk_size: float, chunks: Sequence[int]) -> float:
    """Where a chunk size lies between the columns; beyond them, at the map's edges at most.

    Between two columns it lies by its logarithm; beyond the outermost, a column is a factor of 2.
    """
    if chunk_size < chunks[0]:
        return max(-0.5, math.log2(chunk_size / chunks[0])) if chunk_size > 0 else -0.5
    if chunk_size > chunks[-1]:
        return len(chunks) - 1 + min(0.5, math.log2(chunk_size / chunks[-1]))
    return float(np.interp(math.log(chunk_size), np.log(chunks), np.arange(len(chunks))))


def is_number(optimum: Optimum) -> bool:
    """Whether the law has a best chunk size at this length at all."""
    return 0 < optimum.chunk_size < math.inf


def sentence(optimum: Optimum) -> str:
    """What an optimum says when it is pointed at."""
    low = f"{optimum.low:.0f}" if optimum.low > 0 else "any smaller"
    high = f"{optimum.high:.0f}" if optimum.high < math.inf else "any larger"
    ties = f" (or {', '.join(map(str, optimum.ties))})" if optimum.ties else ""
    lines = [
        f"<b>T = {units.tokens(optimum.seq_len)}</b>: the law’s best chunk size is "
        f"{optimum.chunk_size:.0f} ({low}–{high})",
        f"measured best: {optimum.measured}{ties}",
    ]
    return "<br>".join([*lines, optimum.remark] if optimum.remark else lines)
