"""The page's sections: one for each setting, with its statement, charts and summary, as HTML."""

from __future__ import annotations

from html import escape

import pandas as pd

from reports import charts, settings, statement, units
from reports.cautions import sentences
from reports.page.html import chart, table
from reports.palette import Styles, styles
from reports.settings import Setting
from reports.summary import summarise
from reports.tables import HEADERS, NUMERIC, cells

ROW_STATES = {"ok": "", "left_out": "quiet"}
"""How a row of a table is set; all other statuses are failures."""

SPOKEN = {
    "hatrick": "HATrick",
    "full": "full",
    "lsh": "LSH",
    "sliding_window": "sliding-window",
}


def variant_names(frame: pd.DataFrame) -> list[str]:
    """The variants of a frame as prose names them, HATrick first."""
    variant_of = dict(zip(frame["label"], frame["variant"], strict=True))
    names = dict.fromkeys(variant_of[label] for label in styles(frame))
    return [SPOKEN.get(name, name) for name in names]


def overview(frame: pd.DataFrame) -> str:
    """What each setting says in a sentence or two; with several, each with a link to it."""
    found = settings.split(frame)
    if not found:
        return '<div class="statement"><p>This run holds no point yet.</p></div>'
    items = []
    for number, setting in enumerate(found):
        words = escape(statement.fastest_at_longest(setting.frame))
        words += "".join(f" {escape(str(s))}" for s in statement.against_full(setting.frame))
        link = f'<a href="#setting-{number}">{escape(setting.title)}</a>: '
        items.append(f"<p>{link if len(found) > 1 else ''}{words}</p>")
    if len(found) > 1:
        items.append(f'<p class="quiet">Throughout: {escape(settings.common(frame))}.</p>')
    return f'<div class="statement">{"".join(items)}</div>'


def all_sections(frame: pd.DataFrame) -> list[str]:
    """A section for each setting of the frame, one look for a label on all their charts."""
    look = styles(frame)
    return [_section(setting, n, look) for n, setting in enumerate(settings.split(frame))]


def _section(setting: Setting, number: int, look: Styles) -> str:
    rows = setting.frame
    figures = [charts.latency(rows, look), charts.workspace(rows, look)]
    hatrick = rows[rows["variant"] == "hatrick"]
    for label in styles(hatrick):
        if hatrick.loc[hatrick["label"] == label, "chunk_size"].nunique() > 1:
            figures += [charts.chunk_latency(rows, label)]
            figures += [charts.chunk_workspace(rows, label)]
    figures += [charts.oracle(rows, look), charts.distance(rows, look)]
    drawn = "".join(chart(f, f"chart-{number}-{n}") for n, f in enumerate(figures))
    summary = summarise(rows)
    shown = table(
        HEADERS,
        cells(summary),
        numeric=NUMERIC,
        prose=("cautions",),
        states=[ROW_STATES.get(status, "failed") for status in summary["status"]],
    )
    said = " ".join(sentences(rows))
    careful = f'<p class="cautions">{escape(said)}</p>' if said else ""
    return (
        f'<section id="setting-{number}"><h2>{escape(setting.title)}</h2>{_against_full(rows)}'
        f'<div class="charts">{drawn}</div><h3>Summary, fastest chunk sizes</h3>{shown}'
        f"{careful}</section>"
    )


def _against_full(rows: pd.DataFrame) -> str:
    """HATrick against full attention at each length, for the eye."""
    blocks = []
    for series in statement.against_full(rows):
        items = "".join(
            f'<li class="{escape(at.verdict or "")}">T {units.tokens(at.seq_len)}: '
            f"{escape(at.text)}</li>"
            for at in series.lengths
        )
        blocks.append(
            f'<p>{escape(series.label)} against full:</p><ul class="lengths">{items}</ul>'
        )
    return "".join(blocks)
