"""The chunk sizes of a decision as a table: in a terminal, and as rows for pages and documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports import units
from reports.intervals import Ratio
from reports.tuning.decision import Decision, Entry
from reports.tuning.words import notes, outcome, sentence, shared

HEADERS = ("n", "latency", "ratio", "rounds", "workspace", "distance", "front", "outcome")
NUMERIC = ("n", "latency", "ratio", "rounds", "workspace", "distance")
LAST = HEADERS[-1]
STYLES = {"chosen": "bold green", "tie": "green", "failed": "red", "quiet": "bright_black"}
NONE = "–"


@dataclass(frozen=True)
class Row:
    """One chunk size, ready to show."""

    cells: list[str]
    """One a header."""
    remark: str
    """Why it was not timed; empty if it was."""
    state: str
    """`chosen`, `tie`, `failed`, `quiet` (never timed) or empty."""


def rows(decision: Decision) -> list[Row]:
    """Contenders and what was not tried, by chunk size."""
    found = {
        entry.chunk_size: Row(_cells(entry, decision), entry.remark, _state(entry, decision))
        for entry in decision.entries
    }
    for each in decision.race.foreseen:
        cells = [str(each.chunk_size), *[NONE] * 5, "", "not tried"]
        why = f"{each.times_the_least:.1f} times the least FLOPs"
        found[each.chunk_size] = Row(cells, why, "quiet")
    for n in decision.race.unraced:
        cells = [str(n), *[NONE] * 5, "", "not tried"]
        found[n] = Row(cells, "beside nothing that was left in the race", "quiet")
    return [found[n] for n in sorted(found)]


def rich_decisions(decisions: Sequence[Decision]) -> RenderableType:
    """Every length: the sentence, a row a chunk size, and notes.

    Give it a console of 80 columns or more.
    """
    parts: list[RenderableType] = []
    for_all = shared(decisions)
    for decision in decisions:
        look = "bold yellow" if decision.chunk_size is None else "bold"
        parts += [Text(sentence(decision), look), _table(decision)]
        parts += [Text(f"* {note}") for note in notes(decision, for_all)]
        parts.append(Text())
    return Group(*(parts[:-1] if not for_all else parts), *(Text(f"* {note}") for note in for_all))


def _table(decision: Decision) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for header in HEADERS:
        table.add_column(
            header,
            justify="right" if header in NUMERIC else "left",
            no_wrap=header != LAST,
            overflow="fold",
        )
    for row in rows(decision):
        table.add_row(*map(Text, row.cells), style=STYLES.get(row.state, ""))
    return table


def _cells(entry: Entry, decision: Decision) -> list[str]:
    contender = entry.contender
    memory, distance = contender.workspace_bytes, contender.distance_to_full
    return [
        str(entry.chunk_size),
        NONE if entry.latency_ms is None else units.duration(entry.latency_ms),
        _ratio(entry.ratio, entry.chunk_size == decision.reference),
        str(len(contender.rounds_ms) or NONE),
        NONE if memory is None else units.size(memory),
        NONE if distance is None else units.distance(distance),
        "yes" if entry.on_front else "",
        outcome(entry, decision),
    ]


def _ratio(ratio: Ratio | None, is_reference: bool) -> str:
    if ratio is None or isnan(ratio.ratio):
        return NONE
    if is_reference:
        return "1"
    interval = f" {units.span(ratio.low, ratio.high)}" if ratio.high < inf else ""
    return f"{units.factor(ratio.ratio)[:-1]}{interval}"


def _state(entry: Entry, decision: Decision) -> str:
    if entry.chunk_size == decision.chunk_size:
        return "chosen"
    if entry.remark:
        return "quiet" if entry.contender.outcome == "excluded" else "failed"
    return "tie" if entry.ties else ""
