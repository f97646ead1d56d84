"""A gate's result as a page that works offline: the verdict, every point, both runs overlaid."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from reports.export import write_text
from reports.gate.cells import HEADERS, NUMERIC, rows
from reports.gate.forest import drawn, forest
from reports.gate.notes import notes
from reports.gate.result import Change, Outcome, Result
from reports.gate.words import both, headline, side
from reports.page import html
from reports.page.document import Lead, document
from reports.page.figures import Chart, chart_of
from reports.page.payload import packed
from reports.page.sections import Part
from reports.runfile import Run

EXACT_HEADERS = ("point", "figure", "base", "head", "growth allowed", "change", "remark")
STATES = {"failed": "failed", "quiet": "quiet"}
"""How a row is set; all others are as they come."""
CLASSES = {Outcome.FAILED: "bad", Outcome.PASSED: "good"}
CSS = """
.good { color: var(--good); }
#gate-points .plot, #gate-points .wide .plot { height: %.1frem; }
#gate-points td.prose { min-width: 9rem; }
"""
ROW_REM, FRAME_REM = 2.5, 9.0
"""Height of a row of the figure, and of what is around them."""


def write_gate_page(result: Result, runs: Sequence[Run], path: str | os.PathLike[str]) -> Path:
    """Write what a gate found as HTML that works offline, and return its path.

    Args:
        runs: base's and head's, which are drawn over each other below the verdict; none where
            nothing was timed: then there is no chart.
        path: where to write; an existing file is replaced, folders are made.

    Raises:
        OSError: it cannot be written; what was there before is left as it was.
    """
    path = Path(path)
    plotly = f'<script type="text/plain" id="plotly">{packed(get_plotlyjs())}</script>'
    return write_text(document(runs, plotly, path.stem, lead=_lead(result, runs)), path)


def _lead(result: Result, runs: Sequence[Run]) -> Lead:
    shown = drawn(result)
    has_points = any(run.records for run in runs)
    charts = [chart_of("ratios", "gate-points", forest(result))] if shown and has_points else []
    parts = [_points(result, charts), _exact(result), _judged(result)]
    return Lead(
        title=f"Gate: {result.head.name} against {result.base.name}",
        opening=_opening(result),
        parts=[part for part in parts if part.body],
        charts=charts,
        css=CSS % (FRAME_REM + ROW_REM * len(shown)),
    )


def _opening(result: Result) -> str:
    devices = " and ".join(result.environment.get("devices", {}).values()) or "no device"
    torch = result.environment.get("packages", {}).get("torch", "?")
    when = f"{result.created_at:%d %B %Y %H:%M %Z}".strip()
    word, _, rest = headline(result).partition(":")
    mark = f'<strong class="{CLASSES.get(result.outcome, "")}">{escape(word)}</strong>'
    return (
        f'<p class="quiet">{escape(f"{when} · {devices} · torch {torch}")} · '
        f"head {escape(side(result.head))} · base {escape(side(result.base))}</p>"
        f'<div class="statement"><p>{mark}:{escape(rest)}</p></div>'
    )


def _points(result: Result, charts: Sequence[Chart]) -> Part:
    places = "".join(html.chart(chart) for chart in charts)
    figures = f'<div class="wide" data-figures>{places}</div>' if places else ""
    shown = rows(result)
    timed = sum(point.timing is not None for point in result.points)
    left = timed - len(drawn(result)) if charts else 0
    more = f" {left} more are in the table alone." if left else ""
    about = f'<p class="quiet">All points, whatever the filters choose.{more}</p>' if charts else ""
    table = html.table(
        [*HEADERS, "exact figures"],
        [[row.outcome, row.name, *row.timing, row.changed] for row in shown],
        numeric=NUMERIC,
        prose=("exact figures",),
        states=[STATES.get(row.state, "") for row in shown],
    )
    return Part("gate-points", "Points", about + figures + table if shown else "")


def _exact(result: Result) -> Part:
    changed = [
        (point.name, figure)
        for point in result.points
        for figure in point.exact
        if figure.change in (Change.WORSE, Change.BETTER)
    ]
    table = html.table(
        EXACT_HEADERS,
        [
            [name, figure.name, *both(figure), figure.tolerance, figure.change, figure.remark]
            for name, figure in changed
        ],
        numeric=("base", "head"),
        prose=("remark",),
        states=["failed" if figure.change is Change.WORSE else "" for _, figure in changed],
    )
    return Part("gate-exact", "Exact figures that changed", table if changed else "")


def _judged(result: Result) -> Part:
    items = "".join(f"<li>{escape(note)}</li>" for note in notes(result))
    command = f"<pre><code>{escape(result.command)}</code></pre>"
    return Part("gate-judged", "How it was judged", f"<ul>{items}</ul>{command}")
