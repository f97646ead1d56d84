"""The charts of the page: which there are, in what part, and how each is read."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from reports import charts

PARTS = {
    "scaling": "scaling",
    "memory": "memory",
    "roofline": "roofline",
    "oracle": "agreement",
    "distance": "agreement",
    "pareto": "agreement",
}
"""The part of the page that a chart is in; the charts of one label are under chunk sizes."""
CHUNKS = "chunks"
TOP_PX = 12
"""Above a chart whose title is a heading of the page."""
FROM_ROWS = ("each", "best", "cells")
"""Kinds of traces whose hover texts are those of rows, which the page carries once."""


@dataclass(frozen=True)
class Chart:
    """A figure, ready for the page's script."""

    name: str
    part: str
    title: str
    """As Plotly takes it: escaped."""
    how: str
    """How to read it, likewise; may be empty."""
    head: dict[str, Any]
    """Its title and the room for it, for a figure that stands alone."""
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    curves: int
    """Entries of its legend."""


def all_charts(frame: pd.DataFrame) -> list[Chart]:
    """Every chart of a frame, those over the length first."""
    whole = {name: draw(frame) for name, draw in charts.FIGURES.items()}
    single = charts.chunk_figures(frame)
    return [
        *(chart_of(name, PARTS[name], figure) for name, figure in whole.items()),
        *(chart_of(name, CHUNKS, figure) for name, figure in single.items()),
    ]


def chart_of(name: str, part: str, figure: go.Figure) -> Chart:
    """A figure as the page takes it.

    Args:
        part: of the page, that it stands in.
    """
    content = _decoded(json.loads(figure.to_json()))
    traces, layout = content["data"], content["layout"]
    # The title is a heading of the page, where a phone can break it; the colours are the reader's.
    title = layout.pop("title", {})
    layout.pop("template", None)
    margin = layout.get("margin", {})
    layout["margin"] = margin | {"t": TOP_PX}
    for trace in traces:
        if trace.get("meta", {}).get("kind") in FROM_ROWS:
            trace.pop("hovertext", None)
    curves = sum(trace.get("showlegend", True) is not False for trace in traces)
    how = _sentence(title.get("subtitle", {}).get("text", "").replace("<br>", " "))
    head = {"title": title, "margin": margin}
    return Chart(name, part, title.get("text", name), how, head, traces, layout, curves)


def _sentence(words: str) -> str:
    """A subtitle as a sentence of prose."""
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _decoded(content: Any) -> Any:
    """Plotly's JSON with its packed arrays written out, so that the script can look into them."""
    if isinstance(content, list):
        return [_decoded(part) for part in content]
    if not isinstance(content, dict):
        return content
    if "bdata" not in content:
        return {name: _decoded(part) for name, part in content.items()}
    values = np.frombuffer(base64.b64decode(content["bdata"]), content["dtype"])
    if "shape" in content:
        values = values.reshape([int(size) for size in content["shape"].split(",")])
    return _finite(values.tolist())


def _finite(values: Any) -> Any:
    if isinstance(values, list):
        return [_finite(value) for value in values]
    return values if math.isfinite(values) else None
