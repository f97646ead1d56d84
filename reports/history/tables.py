"""A history in the terminal: its runs, all its series, one series run by run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from rich import box
from rich.table import Table
from rich.text import Text

from reports import units
from reports.history import words
from reports.history.series import ChangePoint, Series, last_change
from reports.history.store import Stored

LAST_RUNS = 20
"""Of one series, as many are always shown, and a run on each side of every shift."""
SHIFT_STYLE = "bold yellow"


def runs_table(runs: Sequence[Stored]) -> Table:
    """The runs by time: when, commit, device, torch, run; a run's file has its name at the end."""
    table = _table("time (UTC)", "commit", "device", "torch", "run")
    for run in runs:
        moment = run.environment.created_at.astimezone(UTC)
        torch = run.environment.packages.get("torch", "")
        cells = (f"{moment:%Y-%m-%d %H:%M}", run.commit, ", ".join(run.devices), torch)
        table.add_row(*map(Text, (*cells, run.environment.run_id)))
    return table


def series_table(found: Sequence[Series]) -> Table:
    """A row a series: how many runs, the last latency with its interval, the last shift."""
    table = _table("series", "runs", "last latency", "last shift", "at", numeric=("runs",))
    for one in found:
        last = last_change(one)
        said = words.brief(last) if last else words.no_verdict(one) and "too few runs"
        at = f"{last.commit_before} → {last.commit_after}" if last else ""
        cells = (one.title, str(len(one.runs)), latency(one, len(one.runs) - 1), said or "–", at)
        style = SHIFT_STYLE if last else ""
        table.add_row(*(Text(c, style if i == 3 else "") for i, c in enumerate(cells)))
    return table


def run_table(one: Series) -> Table:
    """One series, a row a run: its figures, and what changed since the run before."""
    table = _table("time (UTC)", "commit", "latency", "workspace", "distance", "what changed")
    shown = set(_shown(one))
    before = -1
    for i, run in enumerate(one.runs):
        if i not in shown:
            continue
        if i - before > 1:
            table.add_row(Text(f"… {i - before - 1} runs", "bright_black"))
        before = i
        shifts = [point for point in one.change_points if point.index == i]
        moment = run.environment.created_at.astimezone(UTC)
        figures = (
            words.value(name, float(one.figures.at[i, name]))
            for name in ("workspace_bytes", "distance_to_full")
        )
        cells = (f"{moment:%Y-%m-%d %H:%M}", run.commit, latency(one, i), *figures)
        table.add_row(*map(Text, cells), Text(_what_changed(one, i, shifts)))
        if shifts:
            table.rows[-1].style = SHIFT_STYLE
    return table


def latency(one: Series, i: int) -> str:
    """The latency of a run with its interval, or how its point ended."""
    row = one.figures.loc[i]
    if row["status"] != "ok":
        return str(row["status"]).replace("_", " ")
    ends = (row["latency_low_ms"], row["latency_high_ms"])
    return units.measured(row["latency_ms"], *ends)


def _what_changed(one: Series, i: int, shifts: Sequence[ChangePoint]) -> str:
    """The shifts at a run, and its environment against the run before."""
    found = [words.brief(point).removesuffix(" !") for point in shifts]
    if i > 0:
        found += one.changes(i - 1, i)
    return "; ".join(found)


def _shown(one: Series) -> list[int]:
    """Which runs a table shows: all of a short series, else the last and those around shifts."""
    count = len(one.runs)
    around = (point.index + step for point in one.change_points for step in (-1, 0))
    return sorted({*range(max(0, count - LAST_RUNS), count), 0, *around})


def _table(*headers: str, numeric: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for header in headers:
        # Half a number is a wrong number: only words are ever broken.
        folds = header in ("series", "device", "what changed", "at")
        table.add_column(
            header,
            justify="right" if header in numeric else "left",
            no_wrap=not folds,
            overflow="fold",
        )
    return table
