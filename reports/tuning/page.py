"""A tuning as a page that works offline: the answer in words, a table and charts a length."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from reports import units
from reports.charts.tuning import tuning_latency
from reports.charts.tuning_trade import disagrees, tuning_trade
from reports.export import write_text
from reports.page import html
from reports.page.document import Lead, document
from reports.page.figures import Chart, chart_of
from reports.page.payload import packed
from reports.page.sections import Part
from reports.runfile import Run
from reports.settings import describe
from reports.tuning.decision import Decision, decisions
from reports.tuning.measured import rows_of
from reports.tuning.table import HEADERS, NUMERIC, rows
from reports.tuning.words import notes, sentence, shared

STATES = {"failed": "failed", "quiet": "quiet"}
"""How a row is set; all others are as they come."""
REMARK = "remark"
FIELDS = ("direction", "scope", "dtype", "causal", "batch", "dim", "heads")


def write_tuning_page(run: Run, path: str | os.PathLike[str]) -> Path:
    """Write what a tuning found as HTML that works offline, and return its path.

    Args:
        run: of `hatrick tune`.
        path: where to write; an existing file is replaced, folders are made.

    Raises:
        OSError: it cannot be written; what was there before is left as it was.
    """
    path = Path(path)
    plotly = f'<script type="text/plain" id="plotly">{packed(get_plotlyjs())}</script>'
    return write_text(document([run], plotly, path.stem, lead=_lead(run)), path)


def _lead(run: Run) -> Lead:
    found = decisions(run)
    charts = {decision.seq_len: _charts(decision) for decision in found} if run.records else {}
    for_all = shared(found)
    parts = [_part(decision, charts.get(decision.seq_len, []), for_all) for decision in found]
    devices = " and ".join(run.environment.devices.values()) or "no device"
    return Lead(
        title=f"Chunk size for {devices}",
        opening=_opening(run, found),
        parts=parts,
        charts=[chart for of_length in charts.values() for chart in of_length],
    )


def _opening(run: Run, found: Sequence[Decision]) -> str:
    environment = run.environment
    when = f"{environment.created_at:%d %B %Y %H:%M %Z}".strip()
    setting = _setting(run)
    about = " · ".join(filter(None, [when, setting, f"torch {environment.packages.get('torch')}"]))
    said = "".join(f"<p>{_coded(sentence(decision))}</p>" for decision in found)
    said += "".join(f"<p>{_coded(note)}</p>" for note in shared(found))
    none = "<p>This run holds no race.</p>"
    return (
        f'<p class="quiet">{escape(about)}</p><div class="statement">{said or none}</div>'
        f"<pre><code>{escape(environment.command)}</code></pre>"
    )


def _setting(run: Run) -> str:
    """The variant and the workload, of the first point; empty without one."""
    rows = list(rows_of(run).values())
    return f"{rows[0]['variant']}, {describe(rows[0], FIELDS)}" if rows else ""


def _charts(decision: Decision) -> list[Chart]:
    name = _name(decision)
    drawn = [chart_of(f"latency-{decision.seq_len}", name, tuning_latency(decision))]
    if disagrees(decision):
        drawn.append(chart_of(f"trade-{decision.seq_len}", name, tuning_trade(decision)))
    return drawn


def _part(decision: Decision, charts: Sequence[Chart], for_all: Sequence[str]) -> Part:
    shown = rows(decision)
    table = html.table(
        [*HEADERS, REMARK],
        [[*row.cells, row.remark] for row in shown],
        numeric=NUMERIC,
        prose=(REMARK,),
        states=[STATES.get(row.state, "") for row in shown],
    )
    items = "".join(f"<li>{_coded(note)}</li>" for note in notes(decision, for_all))
    places = "".join(html.chart(chart) for chart in charts)
    figures = f"<div data-figures>{places}</div>" if places else ""
    listed = f"<ul>{items}</ul>" if items else ""
    body = f"<p>{_coded(sentence(decision))}</p>{listed}{figures}{table}"
    return Part(_name(decision), f"T = {units.tokens(decision.seq_len)}", body)


def _name(decision: Decision) -> str:
    return f"tuned-{decision.seq_len}"


def _coded(text: str) -> str:
    """Text as HTML, with what stands between backticks as code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text))
