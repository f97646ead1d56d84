"""The trend page: every series of a history over its runs, in one file that works offline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path

from plotly.offline import get_plotlyjs

from reports.charts.layout import figure
from reports.export import write_text
from reports.history.changepoints import FALSE_ALARMS, MIN_RUNS, MIN_SIDE
from reports.history.series import ChangePoint, Series, last_change, latest_shifts
from reports.history.tables import latency
from reports.history.trend_payload import trend_payload
from reports.history.words import brief, no_verdict, sentence
from reports.page import html
from reports.page.document import PAGE
from reports.page.figures import Chart, chart_of
from reports.page.payload import dumped, packed
from reports.page.sections import Part
from reports.units import percent

CHARTS = {
    "latency_ms": ("Latency", "median of each run with its 95% interval"),
    "workspace_bytes": ("Workspace", "peak above what was resident; every change is a shift"),
    "distance_to_full": ("Distance to full attention", "0: the same; 1: as far as no attention"),
    "oracle_error": ("Error against the float64 oracle", "relative, of the whole output"),
}
"""Title of each chart, and how it is read."""
SHARED = ("data.js", "format.js", "theme.js", "charts.js")
"""Scripts of the page of a run that this one has, too; its own follows."""
MOST_SENTENCES = 100
HEADERS = ("series", "runs", "last latency", "shifts", "last shift", "between")


def write_trend(found: Sequence[Series], path: str | os.PathLike[str]) -> Path:
    """Write the trends of series as HTML, and return the path of the page.

    Args:
        found: what `series.all_series` returned, or a part of it.
        path: where to write; an existing file is replaced, folders are made.

    Raises:
        ValueError: no series were given.
        OSError: it cannot be written; what was there before is left as it was.
    """
    if not found:
        raise ValueError("a trend page needs at least one series; got none")
    path = Path(path)
    plotly = f'<script type="text/plain" id="plotly">{packed(get_plotlyjs())}</script>'
    return write_text(_document(found, plotly, path.stem), path)


def _document(found: Sequence[Series], plotly: str, name: str) -> str:
    shifts = latest_shifts(found)
    charts = [_empty(figure_name) for figure_name in CHARTS]
    parts = [_trend(charts), _all_series(found), _shifts(shifts), _how_to_read()]
    links = (f'<li><a href="#{part.name}">{escape(part.title)}</a></li>' for part in parts)
    figures = {
        one.name: {"head": one.head, "traces": one.traces, "layout": one.layout} for one in charts
    }
    first = found.index(shifts[0][0]) if shifts else 0
    carried = trend_payload(found) | {"name": name, "figures": figures, "first": first}
    shared, own = resources.files("reports.page"), resources.files("reports.history")
    scripts = [*(shared.joinpath(script) for script in SHARED), own.joinpath("trend.js")]
    return PAGE.substitute(
        title=escape(_title(found)),
        opening=_opening(found, shifts),
        contents="".join(links),
        filters=_chooser(found),
        main="\n".join(map(str, parts)),
        css=shared.joinpath("page.css").read_text("utf-8") + CSS,
        js="\n".join(script.read_text("utf-8") for script in scripts),
        plotly=plotly,
        data=packed(dumped(carried)),
        sources="",
    )


CSS = """
#chooser select { font: inherit; color: inherit; background: var(--ground); max-width: 100%;
  border: 1px solid var(--line); border-radius: 5px; padding: 0.2rem; }
#chooser label { display: block; margin: 0.5rem 0; }
.shifted { color: var(--accent); }
#all-series tr.chosen td { background: var(--panel); font-weight: 600; }
"""


def _empty(name: str) -> Chart:
    """A chart that the page's script fills with the series that is chosen."""
    title, how = CHARTS[name]
    layout = {
        "xaxis": {"title": {"text": "runs by time"}, "type": "category"},
        "yaxis": {"title": {"text": title.lower()}},
        "showlegend": False,
    }
    return chart_of(name, "trend", figure([], layout, title=title, subtitle=how))


def _title(found: Sequence[Series]) -> str:
    devices = dict.fromkeys(one.point.device_name for one in found)
    return f"Trends on {' and '.join(devices)}"


def _opening(found: Sequence[Series], shifts: Sequence[tuple[Series, ChangePoint]]) -> str:
    runs = {run.environment.run_id: run for one in found for run in one.runs}
    days = sorted(run.environment.created_at for run in runs.values())
    commits = len({run.environment.git_commit or run.environment.code for run in runs.values()})
    moved = len({one.key for one, _ in shifts})
    about = (
        f"{_counted(len(runs), 'run')} of {_counted(commits, 'commit')}, {days[0]:%d %B %Y} to "
        f"{days[-1]:%d %B %Y} · {len(found)} series, {moved} of them with a shift."
    )
    last = f"The last shift: {sentence(*shifts[0])}" if shifts else "No figure shifted."
    short = sum(bool(no_verdict(one)) for one in found)
    few = f" {short} series have too few runs for a verdict on their latency." if short else ""
    return (
        f'<p class="quiet">{escape(about)}</p>'
        f'<div class="statement"><p>{escape(last + few)}</p></div>'
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _chooser(found: Sequence[Series]) -> str:
    options = "".join(
        f'<option value="{one.key}">{escape(one.title)}{" ◆" if one.change_points else ""}</option>'
        for one in found
    )
    return (
        f'<div class="filters" id="chooser"><label>Series <select id="series">{options}</select>'
        '</label><p class="quiet">◆ a figure of it shifted</p></div>'
    )


def _trend(charts: Sequence[Chart]) -> Part:
    first, *others = (html.chart(chart) for chart in charts)
    body = (
        '<h3 id="chosen"></h3><ul id="chosen-shifts"></ul>'
        f'<div class="wide" data-figures>{first}</div>'
        f'<div class="charts" data-figures>{"".join(others)}</div>'
    )
    return Part("trend", "Trend", body)


def _all_series(found: Sequence[Series]) -> Part:
    rows = []
    for one in found:
        points = one.change_points
        last = last_change(one)
        said = brief(last) if last else no_verdict(one) and "too few runs"
        between = f"{last.commit_before} → {last.commit_after}" if last else ""
        figures = (latency(one, len(one.runs) - 1), str(len(points) or ""), said, between)
        rows.append([one.title, str(len(one.runs)), *figures])
    body = html.table(HEADERS, rows, numeric=("runs", "shifts"), name="series-table")
    about = '<p class="quiet">!: more than the code changed there. A click shows the trend.</p>'
    return Part("all-series", "All series", about + body)


def _shifts(shifts: Sequence[tuple[Series, ChangePoint]]) -> Part:
    items = "".join(f"<li>{escape(sentence(*one))}</li>" for one in shifts[:MOST_SENTENCES])
    more = len(shifts) - MOST_SENTENCES
    rest = f'<p class="quiet">{more} earlier ones are with their series.</p>' if more > 0 else ""
    body = f'<ul class="findings">{items}</ul>{rest}' if items else "<p>None.</p>"
    return Part("shifts", "Shifts, the latest first", body)


def _how_to_read() -> Part:
    terms = {
        "series": "One point (attention, T, chunk size, dtype, direction, …) on one model of "
        "device. Several runs of one commit stay several runs.",
        "shift": "The level of a figure changed and stayed so. Of latency and oracle error "
        f"it takes {MIN_RUNS} runs with {MIN_SIDE} on each side; the place is known to a "
        "run. Their number is at most what PELT (Killick, Fearnhead and Eckley 2012) finds in the "
        "logarithms, and each is kept only if Student's t between its neighbouring levels holds "
        "against having searched for it. Status, workspace, distance and counts have no noise: "
        "every change is a shift; of an oracle error one from or to 0.",
        "×": "The run has no such figure there; pointing at it says how the point ended.",
        "false alarms": f"At most {percent(FALSE_ALARMS)} of series of 30 runs that never changed "
        "have a shift, a figure, in simulations; more where runs resemble the run before.",
        "what else changed": "Dotted lines: versions, driver, threads or machine differ from the "
        "run before. A shift there may be theirs and not the commit's; its sentence names both.",
        "+ behind a commit": "Files differed from it when it was measured.",
    }
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in terms.items())
    return Part("how-to-read", "How to read it", f'<dl class="facts">{items}</dl>')
