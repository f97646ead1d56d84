"""One self-contained HTML page of a run: what it says in words, charts, tables, environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import pandas as pd
from plotly.offline import get_plotlyjs

from reports.frame import to_frame
from reports.page import sections
from reports.page.facts import facts, unfit
from reports.page.html import table
from reports.runfile import Run
from reports.statuses import GRAVEST, outcome
from reports.summary import failures
from reports.tables import FAILURE_HEADERS, FAILURES, failure_cells

# The policy is a promise that the browser keeps: nothing outside this file is ever asked for.
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:">
<title>$title</title>
<style>$css</style>
</head>
<body>
<header>
<h1>$title</h1>
$opening
</header>
<noscript><p>The charts need JavaScript; the tables hold the same figures.</p></noscript>
<main>
$main
</main>
<script>$plotly</script>
<script>$js</script>
</body>
</html>
""")

HOW_TO_READ = """<section id="how-to-read"><h2>How to read the numbers</h2>
<dl class="facts">
<dt>latency</dt><dd>Median wall time of one call. The interval is the 95% confidence interval of \
that median. ± is half its width; where it is above the target, the row says so.</dd>
<dt>samples</dt><dd>Single calls, at least 20 (10 where one takes over a second). Points that are \
compared take turns: in every round each is visited once, in shuffled order, and some calls of it \
are timed. Rounds go on until the interval is as narrow as the target, or it is clear that it will \
not be, or the time is up.</dd>
<dt>faster, slower</dt><dd>Judged round by round, since what drifts meanwhile hits both alike: \
said only where the 95% interval of the ratio, in brackets, excludes 1. Without rounds in common, \
only where the two intervals do not overlap. “No clear difference” does not mean equal. “Within \
the noise floor”: two measurements of one and the same point differ as much on this machine.</dd>
<dt>throttled</dt><dd>The device held its clocks down for most of the samples. Such a latency is \
shown, and compared with nothing.</dd>
<dt>fastest chunk size</dt><dd>Chosen by the lowest median of this very run, so its figure is a \
little on the lucky side where chunk sizes are close. Faint marks are the other chunk sizes.</dd>
<dt>against full</dt><dd>The fastest full attention of the same run, setting and length.</dd>
<dt>workspace</dt><dd>Peak memory above what was resident before the call, output included.</dd>
<dt>oracle check</dt><dd>Relative error against the same function in plain float64 code, and the \
largest error of one element. It passes where both are below bounds derived from the dtype. A \
wrong answer has no latency here.</dd>
<dt>distance to full</dt><dd>How far the output lies from full attention with the same \
projections: 0 equals it, 1 is as far off as no attention at all, above 1 \
farther still. No judgement of quality.</dd>
<dt>cosine</dt><dd>Between what the two attentions add to no attention at all: 1 is the same \
direction, 0 nothing in common.</dd>
<dt>✕ above a chart</dt><dd>No figure at that length; the reason is under “Points without a valid \
latency”. ○: it was left out, since the sweep's time budget had no room for it.</dd>
</dl></section>"""


def write_page(runs: Sequence[Run], path: str | os.PathLike[str]) -> Path:
    """Write what runs say as one HTML page that works offline, and return its path.

    Args:
        runs: what `reports.read_runs` returned; each run has sections of its own.
        path: where to write; an existing file is replaced, folders are made.

    Raises:
        ValueError: no runs were given.
    """
    if not runs:
        raise ValueError("a page needs at least one run; got none")
    frame = to_frame(runs)
    parts = sections.all_sections(frame)
    asset = resources.files("reports.page")
    page = PAGE.substitute(
        title=escape(_title(frame, runs)),
        opening=_opening(frame, runs),
        main="\n".join([*parts, _failures(frame), _damaged(runs), HOW_TO_READ, *map(facts, runs)]),
        css=asset.joinpath("page.css").read_text("utf-8"),
        js=asset.joinpath("page.js").read_text("utf-8"),
        plotly=get_plotlyjs(),
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _title(frame: pd.DataFrame, runs: Sequence[Run]) -> str:
    """What was measured where."""
    devices = sorted({name for run in runs for name in run.environment.devices.values()})
    names = sections.variant_names(frame)
    what = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
    return f"{what or 'No'} attention on {' and '.join(devices) or 'no device'}"


def _opening(frame: pd.DataFrame, runs: Sequence[Run]) -> str:
    """When, with what, how much of it gave figures, and what each setting says in a sentence."""
    when = ", ".join(f"{run.environment.created_at:%d %B %Y %H:%M %Z}".strip() for run in runs)
    torch = ", ".join(sorted({run.environment.packages.get("torch", "?") for run in runs}))
    ok = int((frame["status"] == "ok").sum())
    counts = f"{ok} of {len(frame)} points gave a valid latency"
    found = frame.value_counts(["status", "predicted"])
    kinds = [(s, predicted) for s in GRAVEST for predicted in (False, True)]
    others = [f"{found[kind]} {outcome(*kind)}" for kind in kinds if kind in found]
    if others:
        counts += f'; <a href="#failures">{", ".join(others)}</a>'
    line = f'<p class="quiet">{escape(when)} · torch {escape(torch)} · {counts}.</p>'
    warnings = "".join(f'<p class="bad">{escape(words)}</p>' for words in map(unfit, runs) if words)
    return f"{line}\n{warnings}{sections.overview(frame)}"


def _failures(frame: pd.DataFrame) -> str:
    rows = failure_cells(frame)
    if not rows:
        return ""
    body = table(
        FAILURE_HEADERS,
        rows,
        numeric=("points",),
        prose=("where", "reason"),
        states=["quiet" if s == "left_out" else "" for s in failures(frame)["status"]],
    )
    return f'<section id="failures"><h2>{FAILURES}</h2>{body}</section>'


def _damaged(runs: Sequence[Run]) -> str:
    lines = [line for run in runs for line in run.damaged]
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        '<section id="damaged"><h2>Lines that could not be read</h2>'
        f"<p>They are in no table and no chart; every other line is.</p><ul>{items}</ul></section>"
    )
