"""Pieces of HTML, with all text in them escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape

from reports.page.figures import Chart


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numeric: Sequence[str] = (),
    prose: Sequence[str] = (),
    states: Sequence[str] = (),
    rowsets: Sequence[int] = (),
    name: str = "",
) -> str:
    """A table that scrolls inside its own box.

    Args:
        headers: one a column.
        rows: one string a column each. A row whose first cell differs from the row before opens
            a group and has a rule above it.
        numeric: headers of the columns set flush right.
        prose: headers of the columns that may break lines.
        states: for every row how to set it: `failed`, `quiet` or empty; all empty if not given.
        rowsets: for every row the number of the points it was computed from; it is hidden where
            the filters hide one of them.
        name: unique on the page; a table whose rows are hidden needs it.
    """
    classes = ["number" if h in numeric else "prose" if h in prose else "" for h in headers]
    head = "".join(
        f'<th scope="col"{_class(look)}>{escape(header)}</th>'
        for header, look in zip(headers, classes, strict=True)
    )
    body = []
    before = None
    behind = [f' data-rows="{number}"' for number in rowsets] or [""] * len(rows)
    for row, look, origin in zip(rows, states or [""] * len(rows), behind, strict=True):
        state = f"{'first' if row[0] != before else ''} {look}".strip()
        cells = "".join(
            f"<td{_class(kind)}>{escape(text)}</td>"
            for text, kind in zip(row, classes, strict=True)
        )
        body.append(f"<tr{_class(state)}{origin}>{cells}</tr>")
        before = row[0]
    return (
        f'<div class="scroll" tabindex="0"><table{_id(name)}><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def chart(one: Chart, more: str = "", level: int = 3) -> str:
    """The place of a chart, which the page's script draws, under its title.

    Args:
        more: how to read it, beyond what the figure says of itself.
        level: of its heading.
    """
    how = "".join(f'<p class="quiet">{words}</p>' for words in (one.how, escape(more)) if words)
    spoken = escape(_unmarked(one.title))
    save = "".join(
        f'<button type="button" data-save="{kind}" aria-label="Save as {kind.upper()}: {spoken}">'
        f"{kind.upper()}</button>"
        for kind in ("png", "svg")
    )
    return (
        f'<figure data-figure="{escape(one.name)}"><figcaption>'
        f"<h{level}>{one.title}</h{level}>{how}</figcaption>"
        f'<div class="plot" style="--curves: {one.curves}" role="img" '
        f'aria-label="{spoken}"></div><p class="tools">{save}</p></figure>'
    )


def _unmarked(title: str) -> str:
    """A title of a figure, which is HTML, as text."""
    return unescape(re.sub(r"<[^>]*>", " ", title))


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _id(name: str) -> str:
    return f' id="{name}"' if name else ""
