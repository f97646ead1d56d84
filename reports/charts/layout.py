"""What all figures share: room, legend, title; and a sentence where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

TITLE_PX = 15
SUBTITLE_PX = 12
STANDOFF_PX = {"xaxis": 12, "yaxis": 6}
"""Between an axis and its title."""


def figure(
    traces: Sequence[BaseTraceType],
    layout: dict[str, Any],
    *,
    title: str,
    subtitle: str,
    nothing: str = "",
    room: int = 0,
) -> go.Figure:
    """A figure laid out as all others are.

    Colours of text, ground and grid are the template's, so that a page can set its own.

    Args:
        layout: its axes, and whatever else is its own.
        title: short enough for a phone, escaped.
        subtitle: how to read it, lines of a phone's width joined by `<br>`.
        nothing: a sentence to write into the figure, if it has nothing else to show.
        room: for what is drawn to the right of the axes, in pixels.
    """
    axes = {
        name: layout[name]
        | {"automargin": True, "title": layout[name]["title"] | {"standoff": standoff}}
        for name, standoff in STANDOFF_PX.items()
    }
    lines = subtitle.count("<br>") + 1
    common = {
        "title": {
            "text": title,
            "font": {"size": TITLE_PX},
            "x": 0,
            "xref": "container",
            "pad": {"l": 10, "t": 10},
            "yref": "container",
            "y": 1,
            "yanchor": "top",
            "subtitle": {"text": subtitle, "font": {"size": SUBTITLE_PX}},
        },
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        "margin": {"l": 10, "r": 10 + room, "t": 44 + lines * (SUBTITLE_PX + 5), "b": 10},
        "hovermode": "closest",
        "template": "plotly_white",
        "annotations": [_sentence(nothing)] if nothing else [],
    }
    # All at once: every change of a figure that exists is checked again.
    return go.Figure(list(traces), layout | axes | common)


def wrapped(text: str, width: int = 50) -> str:
    """A sentence in lines that a phone has room for, joined by `<br>`; Plotly breaks none itself.

    Args:
        text: without tags; it is escaped here.
        width: of a line, in characters.
    """
    return "<br>".join(escape(line, quote=False) for line in wrap(text, width))


def _sentence(text: str) -> dict[str, Any]:
    return {"text": text, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
