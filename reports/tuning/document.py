"""A tuning in documents, as Markdown."""

from __future__ import annotations

from reports import markdown
from reports.runfile import Run
from reports.tuning.decision import decisions
from reports.tuning.table import HEADERS, NUMERIC, rows
from reports.tuning.words import sentence


def decision_list(run: Run) -> str:
    """The chunk size of every length in words, as a list.

    Raises:
        ValueError: the run holds no race.
    """
    found = decisions(run)
    if not found:
        raise ValueError(f"{run.path}: it holds no race; `hatrick tune` makes runs that do")
    # What stands between backticks is code in Markdown too.
    said = (markdown.plain(sentence(decision)).replace(r"\`", "`") for decision in found)
    return "\n".join(f"* {line}" for line in said)


def decision_table(run: Run, seq_len: int) -> str:
    """The chunk sizes that raced at one length, as a table.

    Raises:
        ValueError: there was no race at this length.
    """
    found = {decision.seq_len: decision for decision in decisions(run)}
    if seq_len not in found:
        lengths = ", ".join(map(str, found)) or "none"
        raise ValueError(f"{run.path}: no race at T = {seq_len}; there was one at {lengths}")
    words = [header for header in HEADERS if header not in NUMERIC]
    return markdown.table(HEADERS, [row.cells for row in rows(found[seq_len])], words=words)
