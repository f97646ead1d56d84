"""The parts of the page below its opening, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import pandas as pd

from reports import settings, statement, units
from reports.cautions import sentences
from reports.charts.series import series
from reports.page import facts, html, words
from reports.page.figures import CHUNKS, Chart
from reports.page.models import model_tables, modelled
from reports.page.payload import RowSets
from reports.runfile import Run
from reports.settings import Setting
from reports.summary import failures, summarise
from reports.tables import FAILURE_HEADERS, FAILURES, HEADERS, NUMERIC, cells, failure_cells

MOST_SUMMARY_ROWS = 300
"""A longer summary would be most of the page's bytes and is nothing that anybody reads."""
ROW_STATES = {"ok": "", "left_out": "quiet"}
"""How a row of a table is set; all other statuses are failures."""
CHARTED = {
    "scaling": "Scaling",
    CHUNKS: "Chunk size",
    "memory": "Memory",
    "roofline": "Roofline",
    "agreement": "Agreement",
}
"""The parts that hold charts, in their order."""


@dataclass(frozen=True)
class Part:
    """A section of the page."""

    name: str
    """Its anchor."""
    title: str
    body: str

    def __str__(self) -> str:
        return f'<section id="{self.name}"><h2>{escape(self.title)}</h2>{self.body}</section>'


def all_parts(
    frame: pd.DataFrame, runs: Sequence[Run], charts: Sequence[Chart], rowsets: RowSets
) -> list[Part]:
    """Every part that has something to show, in the order of the page."""
    parts: list[Part] = []
    if not frame.empty:
        tabled, limit = modelled(frame)
        for name, title in CHARTED.items():
            drawn = [chart for chart in charts if chart.part == name]
            tables = model_tables(tabled, name, rowsets)
            if drawn:
                body = _drawn(frame, name, drawn, rowsets) + tables
                parts.append(Part(name, title, body + (_quiet(limit) if tables else "")))
        parts += [
            Part("summary", "Summary", SUMMARY + _summaries(frame, rowsets)),
            Part("points", "All points", POINTS),
        ]
    if failed := failure_cells(frame):
        parts.append(Part("failures", FAILURES, _failures(frame, failed)))
    if damaged := [line for run in runs for line in run.damaged]:
        parts.append(Part("damaged", "Lines that could not be read", _damaged(damaged)))
    if runs:
        parts.append(Part("environment", "Environment", "".join(map(facts.facts, runs))))
    return [*parts, Part("how-to-read", "How to read the numbers", words.HOW_TO_READ)]


def found(opening: str) -> Part:
    """What the runs say, where the page opens with something else.

    Args:
        opening: `reports.page.opening.opening`.
    """
    return Part("findings", "What the runs say", opening)


SUMMARY = (
    '<p class="quiet">Every attention at every length, with its fastest chunk size, and what gave '
    "no figure.</p>"
)
POINTS = """<p class="tools"><label>Find <input type="search" id="find"></label>
<button type="button" id="csv">CSV of these points, all columns</button></p>
<div class="scroll" tabindex="0"><table id="points-table"><thead><tr></tr></thead><tbody></tbody>\
</table></div>
<p class="tools pager"><button type="button" id="before">Before</button>
<button type="button" id="after">After</button> <span id="range" class="quiet"></span></p>"""


def _drawn(frame: pd.DataFrame, part: str, charts: Sequence[Chart], rowsets: RowSets) -> str:
    """The charts of a part, after what is said of them all."""
    if part == CHUNKS:
        return _quiet(words.CHUNKS) + _by_label(frame, charts)
    drawn = "".join(html.chart(chart, words.CHARTS.get(chart.name, "")) for chart in charts)
    look = "charts" if part == "agreement" else "wide"
    told = _told(frame, rowsets) if part == "scaling" else ""
    return f'{told}<div class="{look}" data-figures>{drawn}</div>'


def _by_label(frame: pd.DataFrame, charts: Sequence[Chart]) -> str:
    """Charts that are about one label and setting each, under a heading for each of those."""
    name_of = {row: of.name for of in series(frame) for row in of.rows}
    groups = groupby(charts, lambda chart: name_of[chart.layout["meta"]["rows"][0]])
    return "".join(
        f'<div data-figures><h3>{name}</h3><div class="charts">'
        f"{''.join(html.chart(chart, level=4) for chart in of_label)}</div></div>"
        for name, of_label in groups
    )


def _quiet(text: str) -> str:
    return f'<p class="quiet">{escape(text)}</p>' if text else ""


def _told(frame: pd.DataFrame, rowsets: RowSets) -> str:
    """Every setting in a sentence or two, and HATrick against full attention at each length."""
    found = settings.split(frame)
    return "".join(_of_setting(one, _told_of(one), rowsets, len(found) > 1) for one in found)


def _told_of(setting: Setting) -> str:
    said = f"<p>{escape(statement.fastest_at_longest(setting.frame))}</p>"
    for one in statement.against_full(setting.frame):
        items = "".join(
            f'<li class="{escape(at.verdict or "")}">T {units.tokens(at.seq_len)}: '
            f"{escape(at.text)}</li>"
            for at in one.lengths
        )
        said += f"<p>{escape(one.label)}, fastest chunk sizes, against full:</p>"
        said += f'<ul class="lengths">{items}</ul>'
    return said


def _summaries(frame: pd.DataFrame, rowsets: RowSets) -> str:
    """The summary of every setting; of the first alone where all are too long to read."""
    found = settings.split(frame)
    shown: list[str] = []
    count = 0
    for setting in found:
        summary = summarise(setting.frame)
        count += len(summary)
        if shown and count > MOST_SUMMARY_ROWS:
            break
        body = html.table(
            HEADERS,
            cells(summary),
            numeric=NUMERIC,
            prose=("cautions",),
            states=[ROW_STATES.get(status, "failed") for status in summary["status"]],
        )
        said = " ".join(sentences(setting.frame))
        body += f'<p class="cautions">{escape(said)}</p>' if said else ""
        shown.append(_of_setting(setting, body, rowsets, len(found) > 1))
    if len(shown) < len(found):
        shown.append(
            f'<p class="quiet">This is the summary of {len(shown)} of {len(found)} settings; '
            "<code>hatrick report --markdown</code> writes all of them.</p>"
        )
    return "".join(shown)


def _of_setting(setting: Setting, body: str, rowsets: RowSets, is_named: bool) -> str:
    """What is about one setting: hidden where the filters leave none of its points."""
    if not is_named:
        return body
    number = rowsets.number(setting.frame.index)
    return f'<div data-any="{number}"><h3>{escape(setting.title)}</h3>{body}</div>'


def _failures(frame: pd.DataFrame, failed: list[list[str]]) -> str:
    return html.table(
        FAILURE_HEADERS,
        failed,
        numeric=("points",),
        prose=("where", "reason"),
        states=["quiet" if s == "left_out" else "" for s in failures(frame)["status"]],
    )


def _damaged(lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<p>They are in no table and no chart; every other line is.</p><ul>{items}</ul>"
