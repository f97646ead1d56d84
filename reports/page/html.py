"""Pieces of HTML, with all text in them escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numeric: Sequence[str] = (),
    prose: Sequence[str] = (),
    states: Sequence[str] = (),
) -> str:
    """A table that scrolls inside its own box.

    Args:
        headers: one a column.
        rows: one string a column each. A row whose first cell differs from the row before opens
            a group and has a rule above it.
        numeric: headers of the columns set flush right.
        prose: headers of the columns that may break lines.
        states: for every row how to set it: `failed`, `quiet` or empty; all empty if not given.
    """
    classes = ["number" if h in numeric else "prose" if h in prose else "" for h in headers]
    head = "".join(
        f'<th scope="col"{_class(name)}>{escape(header)}</th>'
        for header, name in zip(headers, classes, strict=True)
    )
    body = []
    before = None
    for row, look in zip(rows, states or [""] * len(rows), strict=True):
        state = f"{'first' if row[0] != before else ''} {look}".strip()
        cells = "".join(
            f"<td{_class(name)}>{escape(text)}</td>"
            for text, name in zip(row, classes, strict=True)
        )
        body.append(f"<tr{_class(state)}>{cells}</tr>")
        before = row[0]
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def chart(figure: go.Figure, name: str) -> str:
    """A chart under its title, drawn by page.js.

    Args:
        figure: its title becomes the heading, where a phone can break it.
        name: unique on the page; letters, digits and hyphens.
    """
    title = figure.layout.title.text
    bare = go.Figure(figure)
    bare.update_layout(title=None, template=None, margin_t=figure.layout.margin.t - 20)
    # The legend is below the curves and needs room for every one of them.
    curves = sum(trace.showlegend is not False for trace in figure.data)
    # Plotly writes "<" as an escape, so that no name in the data can end the script element.
    data = bare.to_json()
    return (
        f'<figure><h3>{title}</h3><div class="plot" style="--curves: {curves}" '
        f'data-chart="{name}" role="img" aria-label="{title}"></div>'
        f'<script type="application/json" id="{name}">{data}</script></figure>'
    )


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
