"""A gate's result as Markdown, for the summary of a CI job or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from reports.gate.cells import HEADERS, Row, rows
from reports.gate.notes import notes
from reports.gate.result import Outcome, Result
from reports.gate.words import counted, headline
from reports.markdown import plain, table

MOST_BYTES = 64_000
"""GitHub takes 65,536 characters in a comment, and 1 MiB in the summary of a step."""
HEADLINE_BYTES, NOTES_BYTES = 4_000, 16_000
SENTENCES_BYTES = 1_000
"""What headings, and sentences on what is left out, need besides the rows."""
LISTED = {Outcome.FAILED: "What got worse", Outcome.UNSURE: "What is not settled"}
"""Points of these are seen at once; all others are folded."""
WORDS = ("point", "ratio (95% interval)", "verdict", "exact figures")


def to_markdown(result: Result) -> str:
    """The verdict, what failed and what is unsure in tables, and the rest folded.

    At most `MOST_BYTES` long: of more points than that has room for a sentence says how many are
    left out.
    """
    start = f"## Gate\n\n**{plain(_cut(headline(result), HEADLINE_BYTES))}**\n"
    judged = _cut("\n".join(f"* {plain(note)}" for note in notes(result)), NOTES_BYTES)
    end = _folded("How it was judged", judged)
    shown = rows(result)
    parts = [start]
    room = MOST_BYTES - SENTENCES_BYTES - _bytes(start) - _bytes(end)
    for outcome, title in LISTED.items():
        of = [row for row in shown if row.state == outcome.value]
        parts.append(_part(f"### {title}\n\n{{}}\n", of, room))
        room -= _bytes(parts[-1])
    rest = [row for row in shown if row.state not in {outcome.value for outcome in LISTED}]
    title = f"{counted(len(rest), 'other point')}"
    parts.append(_part(_folded(title, "{}"), rest, room))
    return "\n".join([*filter(None, parts), end])


def _part(frame: str, of: Sequence[Row], room: int) -> str:
    """As many rows as there is room for in a part of the text; empty without any."""
    if not of:
        return ""
    kept = list(of)
    text = frame.format(_table(kept))
    while kept and _bytes(text) > room:
        # Rows differ in length: what is too long by half loses half, and then some.
        kept = kept[: min(len(kept) - 1, len(kept) * max(room, 0) // _bytes(text))]
        left = counted(len(of) - len(kept), "more point")
        said = f"{left} left out here; the result's JSON has them all."
        text = frame.format(f"{_table(kept)}\n\n{said}" if kept else said)
    return text


def _table(shown: Sequence[Row]) -> str:
    headers = [*HEADERS[1:], "exact figures"]
    return table(
        headers, [[row.name, *row.timing, "; ".join(row.changes)] for row in shown], words=WORDS
    )


def _folded(title: str, body: str) -> str:
    # Without the empty lines GitHub would show the Markdown in it as it stands.
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n"


def _bytes(text: str) -> int:
    return len(text.encode())


def _cut(text: str, most: int) -> str:
    whole = text.encode()
    return text if len(whole) <= most else f"{whole[:most].decode(errors='ignore')} …"
