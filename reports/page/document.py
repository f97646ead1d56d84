"""The text of a page: the answer in words, charts, tables, environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template
from typing import Any

import pandas as pd

from reports import settings
from reports.frame import to_frame
from reports.page import filters, opening, sections
from reports.page.figures import Chart, all_charts
from reports.page.payload import RowSets, dumped, packed, payload
from reports.page.sections import Part
from reports.runfile import Run

# The policy is a promise that the browser keeps: nothing but these files is ever asked for.
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'$sources; img-src data: blob:; \
form-action 'none'; base-uri 'none'">
<title>$title</title>
<style>$css</style>
</head>
<body>
<header>
<h1>$title</h1>
$opening
</header>
<noscript><p class="bad">Charts, filters and the table of all points need JavaScript.</p></noscript>
<p class="bad" id="too-old" hidden>This browser cannot unpack the charts and the table of all \
points: it has no DecompressionStream. Any browser since May 2023 has it.</p>
<div class="beside">
<aside>
<nav aria-label="Contents"><ul>$contents</ul></nav>
$filters
<p class="quiet" id="shown" aria-live="polite"></p>
</aside>
<main>
<p id="nothing" hidden>No point passes the filters. \
<button type="button" data-all>Show all</button></p>
$main
</main>
</div>
$plotly
<script type="text/plain" id="data">$data</script>
<script>$js</script>
</body>
</html>
""")

SCRIPTS = (
    "data.js",
    "state.js",
    "filters.js",
    "format.js",
    "csv.js",
    "table.js",
    "traces.js",
    "theme.js",
    "charts.js",
    "start.js",
)
"""The page's own script, in this order; the last one starts it."""


@dataclass(frozen=True)
class Lead:
    """What a page has before what its runs say: their findings are a part of it then."""

    title: str
    """Of the page, instead of what was measured where."""
    opening: str
    """Below the title, as HTML."""
    parts: Sequence[Part]
    charts: Sequence[Chart]
    """Those that its parts have places for; drawn only if the runs have points."""
    css: str = ""


def document(
    runs: Sequence[Run], plotly: str, name: str, sources: str = "", lead: Lead | None = None
) -> str:
    """The text of a page.

    Args:
        runs: none is enough for a page that has a lead.
        plotly: the element that holds plotly.js.
        name: what files that the page saves are named after.
        sources: what else scripts may be loaded from.
        lead: what comes first; None: the findings do.
    """
    frame = to_frame(runs)
    charts = [] if frame.empty else all_charts(frame)
    chosen = [] if frame.empty else filters.filters(frame)
    rowsets = RowSets()
    parts = sections.all_parts(frame, runs, charts, rowsets)
    if lead:
        found = [] if frame.empty else [sections.found(opening.opening(frame, runs))]
        parts = [*lead.parts, *found, *parts]
        charts = [*lead.charts, *charts]
    links = (f'<li><a href="#{part.name}">{escape(part.title)}</a></li>' for part in parts)
    return PAGE.substitute(
        title=escape(lead.title if lead else opening.title(frame, runs)),
        opening=lead.opening if lead else opening.opening(frame, runs),
        contents="".join(links),
        filters=filters.controls(chosen, frame),
        main="\n".join(map(str, parts)),
        css=style() + (lead.css if lead else ""),
        js=script(),
        plotly=plotly,
        data=packed(dumped(_with_runs(frame, payload(frame, chosen, charts, rowsets, name)))),
        sources=sources,
    )


def _with_runs(frame: pd.DataFrame, content: dict[str, Any]) -> dict[str, Any]:
    """The payload, its hovers with the run that each point is of, where there are several."""
    if frame["file"].nunique() < 2:
        return content
    runs = [escape(settings.describe(row, ["file"]), quote=False) for _, row in frame.iterrows()]
    hovers = zip(content["hover"], runs, strict=True)
    return content | {"hover": [f"{text}<br>{run}" for text, run in hovers]}


def style() -> str:
    """The page's own style sheet."""
    return resources.files("reports.page").joinpath("page.css").read_text("utf-8")


def script() -> str:
    """The page's own script."""
    asset = resources.files("reports.page")
    return "\n".join(asset.joinpath(name).read_text("utf-8") for name in SCRIPTS)
