"""Writes the tables of documents from run files: `python -m reports.doc_tables docs/*.md`.

A table stands between two comments, of which the first says what it is made of:

    <!-- ratio: RUN FIELD A B -->    medians where FIELD is A and where it is B, and A over B
    <!-- first: RUN MS -->           of calls longer than so many ms, the first sample of a visit
    <!-- peers: RUN OURS ... -->     one attention against each other: see `reports.peer_table`
    <!-- machine: RUN -->            a sentence: where and with what the run was made
    <!-- operators: FILE N -->       of a profile, the N operators that took most time
    <!-- findings: RUN -->           what a page of the run opens with
    <!-- model: RUN NAME -->         what a model says of it: a key of `MODELS`
    <!-- calibration: FILE -->       how often a gate is wrong, on blocks that were recorded
    <!-- tuning: RUN -->             the chunk size of each length of a tuning, in words
    <!-- tuning-table: RUN T -->     the chunk sizes that raced at one length
    <!-- regret: RUN -->             what was chosen, over the best of the full grid
    <!-- tuning-time: RUN VERIFY --> how long the tuning took beside the grid of its verification
    <!-- end -->

so that no number in a document is typed by hand. RUN is relative to the document. It may be a
pattern, `results/*/run.jsonl`: every run that is there has a table. Behind `--` may stand the
command that makes a run that is not there yet: `<!-- machine: RUN -- make run -->`.
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
from reports.export import findings_list, model_table
from reports.frame import load
from reports.gate.calibration import calibration_table
from reports.gate.recording import read_recording
from reports.machine import machine
from reports.models.catalogue import TABLES
from reports.operator_table import operator_table, read_profile
from reports.peer_table import peer_table
from reports.runfile import read_run
from reports.tuning.document import decision_list, decision_table
from reports.tuning.regret import regret_markdown
from reports.tuning.seconds import time_markdown


def with_tables(document: Path) -> str:
    """The text of a document, its tables made anew from the run files they name.

    Raises:
        RunFileError: one of them is no run file, or is missing and no command is named.
        ValueError: a table's arguments do not fit its run.
    """

    def table(found: re.Match[str]) -> str:
        head, kind, run, arguments, end = found.groups()
        return f"{head}\n{contents(document.parent, kind, run, arguments)}\n{end}"

    return TABLE.sub(table, document.read_text("utf-8"))


def contents(folder: Path, kind: str, run: str, arguments: str) -> str:
    """What stands between the two comments.

    Args:
        folder: of the document.
        kind: a key of `KINDS`.
        run: file, or pattern of files.
        arguments: the rest of the comment.
    """
    given, _, command = re.sub(r"\s+", " ", f"{arguments} ").partition(" -- ")
    files = sorted(folder.glob(run))
    if not files and command:
        what = "line" if kind == "machine" else "table"
        return f"Not measured. `{command.strip()}` fills this {what}."
    made = [(file, KINDS[kind](file, *given.split())) for file in files or [folder / run]]
    if len(made) == 1:
        return made[0][1]
    return "\n\n".join(f"{file.relative_to(folder)}:\n\n{text}" for file, text in made)


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


def said_by(model: str, frame: pd.DataFrame) -> str:
    """What a model says of a frame, as Markdown.

    Args:
        model: a key of `MODELS`.
    """
    if model not in MODELS:
        raise ValueError(f"no model {model!r}; choose from {', '.join(MODELS)}")
    return model_table(MODELS[model](frame))


MODELS = {model.name: model.make for model in TABLES}
"""The tables of the models."""

KINDS: dict[str, Callable[..., str]] = {
    "ratio": lambda run, *arguments: ratio_table(load(run), *arguments),
    "first": lambda run, *arguments: first_sample_table(load(run), *arguments),
    "peers": lambda run, *arguments: peer_table(load(run), *arguments),
    "machine": lambda run: machine(read_run(run)),
    "operators": lambda file, count: operator_table(read_profile(file), count),
    "findings": lambda run: findings_list(load(run)),
    "model": lambda run, name: said_by(name, load(run)),
    "calibration": lambda file: calibration_table(read_recording(file)),
    "tuning": lambda run: decision_list(read_run(run)),
    "tuning-table": lambda run, T: decision_table(read_run(run), int(T)),
    "regret": lambda run: regret_markdown(read_run(run)),
    "tuning-time": lambda run, grid: time_markdown(read_run(run), read_run(run.parent / grid)),
}
"""How each kind of table is made from a file and the arguments of the comment."""

TABLE = re.compile(
    rf"(<!-- ({'|'.join(KINDS)}): (\S+)((?:\s[^>]*?)?)\s-->\n).*?(<!-- end -->)", re.DOTALL
)


def main(documents: Sequence[str]) -> None:
    """Write the tables of documents, in place."""
    for path in map(Path, documents):
        path.write_text(with_tables(path), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
