"""The text of a page: the answer in words, charts, tables, environment."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

from reports.frame import to_frame
from reports.page import filters, opening, sections
from reports.page.figures import all_charts
from reports.page.payload import RowSets, dumped, packed, payload
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


def document(runs: Sequence[Run], plotly: str, name: str, sources: str = "") -> str:
    """The text of a page.

    Args:
        plotly: the element that holds plotly.js.
        name: what files that the page saves are named after.
        sources: what else scripts may be loaded from.
    """
    frame = to_frame(runs)
    charts = [] if frame.empty else all_charts(frame)
    chosen = [] if frame.empty else filters.filters(frame)
    rowsets = RowSets()
    parts = sections.all_parts(frame, runs, charts, rowsets)
    links = (f'<li><a href="#{part.name}">{escape(part.title)}</a></li>' for part in parts)
    return PAGE.substitute(
        title=escape(opening.title(frame, runs)),
        opening=opening.opening(frame, runs),
        contents="".join(links),
        filters=filters.controls(chosen, frame),
        main="\n".join(map(str, parts)),
        css=resources.files("reports.page").joinpath("page.css").read_text("utf-8"),
        js=script(),
        plotly=plotly,
        data=packed(dumped(payload(frame, chosen, charts, rowsets, name))),
        sources=sources,
    )


def script() -> str:
    """The page's own script."""
    asset = resources.files("reports.page")
    return "\n".join(asset.joinpath(name).read_text("utf-8") for name in SCRIPTS)
