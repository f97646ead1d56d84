"""Writes the tables of `docs/*.md` from run files: `python docs/tables.py`; `--check` only looks.

A table stands between two comments, of which the first says what it is made of:

    <!-- ratio: RUN FIELD A B -->    medians where FIELD is A and where it is B, and A over B
    <!-- end -->

so that no number in the documents is typed by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd

import reports
from reports import units
from reports.intervals import paired_ratio

DOCS = Path(__file__).parent
TABLE = re.compile(r"(<!-- ratio: (\S+) (\S+) (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """A document with its tables made anew from the run files they name."""

    def table(found: re.Match[str]) -> str:
        head, run, field, first, second, end = found.groups()
        return f"{head}\n{ratio_table(reports.load(DOCS / run), field, first, second)}\n{end}"

    return TABLE.sub(table, text)


def ratio_table(frame: pd.DataFrame, field: str, first: str, second: str) -> str:
    """Points that differ in one field alone, side by side, as Markdown.

    Args:
        field: a column of `reports.COLUMNS`.
        first, second: its two values; the last column is the first's median over the second's, from
            the rounds both took part in, with its 95% interval.
    """
    lines = [
        f"| T | attention | chunk | {first} | {second} | {first} / {second} |",
        "| --: | --- | --: | --: | --: | --: |",
    ]
    same = ["seq_len", "label", "chunk_size"]
    for (seq_len, label, chunk), rows in frame.groupby(same, dropna=False, sort=True):
        sides = [
            rows[(rows[field] == value) & (rows["status"] == "ok")] for value in (first, second)
        ]
        if any(len(side) != 1 for side in sides):
            continue
        a, b = (side.iloc[0] for side in sides)
        ratio = paired_ratio(b["samples_ms"], b["visits"], a["samples_ms"], a["visits"])
        words = "–" if ratio is None else f"{ratio.ratio:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"
        cells = [units.tokens(seq_len), label, "–" if pd.isna(chunk) else str(chunk)]
        cells += [units.duration(side["latency_ms"]) for side in (a, b)]
        lines.append(f"| {' | '.join([*cells, words])} |")
    return "\n".join(lines)


def main() -> None:
    """Write all tables, or with `--check` fail if one is not as its run file has it."""
    stale = []
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text("utf-8")
        fresh = with_tables(text)
        if fresh != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(fresh, "utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"{', '.join(stale)}: tables are not as the run files have them: make docs")


if __name__ == "__main__":
    main()
