"""A gate's result in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.gate.cells import HEADERS, NUMERIC, Row, rows
from reports.gate.notes import notes
from reports.gate.result import Outcome, Result
from reports.gate.words import headline

LOOK = {Outcome.FAILED: "bold red", Outcome.UNSURE: "bold yellow", Outcome.PASSED: "bold green"}
"""Of the headline; `NEW` is plain."""
QUIET = "bright_black"
STYLES = {"failed": "red", "unsure": "yellow", "better": "green", "quiet": QUIET}
"""Of a row, by its state."""
FOLDING = "point"
"""This column gives way to the others: half a number is a wrong number."""


def rich_result(result: Result) -> RenderableType:
    """The verdict, a row a point, what failed first, and notes.

    Give it a console of 80 columns or more: every number is whole there.
    """
    return Group(
        Text(headline(result), LOOK.get(result.outcome, "bold")),
        _table(rows(result)),
        *(Text(f"* {note}") for note in notes(result)),
    )


def _table(shown: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, pad_edge=False)
    for header in HEADERS:
        table.add_column(
            header,
            justify="right" if header in NUMERIC else "left",
            no_wrap=header != FOLDING,
            overflow="fold",
        )
    for row in shown:
        cells = [row.outcome, "\n".join([row.name, *row.changes]), *row.timing]
        table.add_row(*map(Text, cells), style=STYLES.get(row.state, ""))
    return table
