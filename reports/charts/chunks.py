"""All figures about the chunk sizes of one label, for every label and setting that has several."""

from __future__ import annotations

import re

import pandas as pd
import plotly.graph_objects as go

from reports.charts.chunk_lines import curves_of
from reports.charts.chunk_maps import latency_map, workspace_map
from reports.charts.chunked import of_rows
from reports.charts.hover import hovers
from reports.charts.series import drawn_columns, numbered, series

PARTS = {"latency": latency_map, "workspace": workspace_map, "curves": curves_of}
LONGEST_STEM = 64
"""Characters: with a number and the part after it, names stay within 80."""


def chunk_figures(frame: pd.DataFrame) -> dict[str, go.Figure]:
    """Latency map, workspace map and curves of every label with more than one chunk size.

    Args:
        frame: of `reports.load`, of any number of settings.

    Returns:
        Figures by names of their own that are fit for files: `chunks-hatrick-latency`.
    """
    frame = numbered(frame)
    texts, frame = hovers(frame), drawn_columns(frame)
    figures: dict[str, go.Figure] = {}
    for of in series(frame):
        rows = frame.loc[of.rows]
        rows = rows[rows["chunk_size"].notna()]
        if rows["chunk_size"].nunique() > 1:
            stem = _unused(_stem(of.title), figures)
            shown = of_rows(rows, of.name, texts)
            figures |= {f"{stem}-{part}": draw(shown) for part, draw in PARTS.items()}
    return figures


def _stem(title: str) -> str:
    """`chunks-` and what of a title is fit for a file."""
    return re.sub(r"[^a-z0-9]+", "-", f"chunks-{title.lower()}")[:LONGEST_STEM].strip("-")


def _unused(stem: str, figures: dict[str, go.Figure]) -> str:
    """The stem, or with a number after it if there are figures of that name."""
    taken = {key.rsplit("-", 1)[0] for key in figures}
    names = [stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)
