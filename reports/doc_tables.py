"""Writes the tables of documents from run files: `python -m reports.doc_tables docs/*.md`.

A table stands between two comments, of which the first says what it is made of:

    <!-- ratio: RUN FIELD A B -->    medians where FIELD is A and where it is B, and A over B
    <!-- first: RUN MS -->           of calls longer than so many ms, the first sample of a visit
    <!-- end -->

so that no number in a document is typed by hand. RUN is relative to the document.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from reports import units
from reports.compare import paired
from reports.frame import load

TABLE = re.compile(r"(<!-- (ratio|first): (\S+) ([^>]*) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(document: Path) -> str:
    """The text of a document, its tables made anew from the run files they name.

    Raises:
        RunFileError: one of them is no run file.
    """

    def table(found: re.Match[str]) -> str:
        head, kind, run, arguments, end = found.groups()
        rows = KINDS[kind](load(document.parent / run), *arguments.split())
        return f"{head}\n{rows}\n{end}"

    return TABLE.sub(table, document.read_text("utf-8"))


def ratio_table(frame: pd.DataFrame, field: str, first: str, second: str) -> str:
    """Points that differ in one field alone, side by side, as Markdown.

    Args:
        frame: of `reports.load`.
        field: one of its columns.
        first, second: two values of it. The last column of the table is the first's latency over
            the second's, from the rounds both took part in, with its 95% interval.
    """
    lines = [
        f"| T | attention | chunk | {first} | {second} | {first} / {second} |",
        "| --: | --- | --: | --: | --: | --: |",
    ]
    same = ["seq_len", "label", "chunk_size"]
    for (seq_len, label, chunk), rows in frame.groupby(same, dropna=False, sort=True):
        ok = rows[rows["status"] == "ok"]
        sides = [ok[ok[field] == value] for value in (first, second)]
        if any(len(side) != 1 for side in sides):
            continue
        a, b = (side.iloc[0] for side in sides)
        ratio = paired(b, a)
        words = "–" if ratio is None else f"{ratio.ratio:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"
        cells = [units.tokens(seq_len), label, "–" if pd.isna(chunk) else str(chunk)]
        cells += [units.duration(side["latency_ms"]) for side in (a, b)]
        lines.append(f"| {' | '.join([*cells, words])} |")
    return "\n".join(lines)


def first_sample_table(frame: pd.DataFrame, longer_than_ms: str) -> str:
    """How the first sample of a visit compares with the others, as Markdown.

    Args:
        frame: of `reports.load`.
        longer_than_ms: points with shorter medians are left out.
    """
    lines = [
        "| T | attention | chunk | malloc | median | visits | first sample / the others |",
        "| --: | --- | --: | --- | --: | --: | --: |",
    ]
    slow = frame[(frame["status"] == "ok") & (frame["latency_ms"] > float(longer_than_ms))]
    for _, row in slow.sort_values(["seq_len", "label", "chunk_size"]).iterrows():
        starts = np.cumsum([0, *row["visits"][:-1]])
        others = np.delete(row["samples_ms"], starts)
        first = np.median(np.take(row["samples_ms"], starts)) / np.median(others)
        chunk = "–" if pd.isna(row["chunk_size"]) else str(row["chunk_size"])
        cells = [units.tokens(row["seq_len"]), row["label"], chunk, row["allocator"]]
        cells += [units.duration(row["latency_ms"]), str(len(starts)), f"{first:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


KINDS: dict[str, Callable[..., str]] = {"ratio": ratio_table, "first": first_sample_table}


def main(documents: Sequence[str]) -> None:
    """Write the tables of documents, in place."""
    for path in map(Path, documents):
        path.write_text(with_tables(path), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
