"""What a history needs of a run, without its samples: one small Parquet file a run.

These files lie in a folder of their own beside the runs, and are a cache: each can be deleted at
any time, and is made again from its run. Its name tells the run file's size, so that it is of no
other, older state of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from reports.history.store import Stored, placing
from reports.runfile import RunFileError, read_run
from reports.schema import Record

FOLDER = "summaries"
VERSION = 2
"""Of what is in a summary; another is made again."""
EXACT = (
    "workspace_bytes",
    "distance_to_full",
    "counted_flops",
    "operators",
    "launches",
    "graph_breaks",
)
"""Columns of `reports.load` without noise: any change is one of the code, or of versions; of the
distance any by more than rounding."""
NOISY = ("latency_ms", "oracle_error")
FIGURES = (*NOISY, "latency_low_ms", "latency_high_ms", *EXACT)


@dataclass(frozen=True)
class History:
    """All points of all runs of a history."""

    runs: list[Stored]
    """In the order of time."""
    points: pd.DataFrame
    """A row a point and run: `run` (its place in `runs`), `point` (a category: the JSON text of
    `reports.schema.Point`), `status` (a category) and `FIGURES` (float64, NaN where missing;
    workspace and counts are exact up to 2^53)."""
    refused: list[str]
    """A sentence for every run that could not be read, and every line of one."""


def load(runs: Sequence[Stored]) -> History:
    """The points of runs, from their summaries; those that are not there are made."""
    kept: list[Stored] = []
    tables: list[pa.Table] = []
    refused: list[str] = []
    for run in runs:
        try:
            table = _kept(run) or _made(run, refused)
        except RunFileError as error:
            refused.append(str(error))
            continue
        place = pa.array(np.full(len(table), len(kept), dtype=np.int32))
        tables.append(table.append_column("run", place))
        kept.append(run)
    whole = pa.concat_tables(tables).unify_dictionaries() if tables else None
    columns = ["run", "point", "status", *FIGURES]
    points = pd.DataFrame(columns=columns) if whole is None else whole.to_pandas()[columns]
    return History(kept, points, refused)


def summary_path(run: Path) -> Path:
    """Where the summary of a run file lies, as it is now."""
    return run.parent / FOLDER / f"{run.stem}.{run.stat().st_size}.{VERSION}.parquet"


def missing(runs: Sequence[Stored]) -> int:
    """How many of the runs have no summary yet."""
    return sum(not summary_path(run.path).exists() for run in runs)


def summarise(run: Stored) -> None:
    """Make the summary of a run, if it is not there; a folder that cannot be written to is no
    error."""
    with suppress(RunFileError):
        if not summary_path(run.path).exists():
            _made(run, [])


def _kept(run: Stored) -> pa.Table | None:
    """The summary of a run as a table; None where it is not there, or damaged."""
    try:
        # One thread: handing out a file this small takes longer than reading it.
        with parquet.ParquetFile(summary_path(run.path), read_dictionary=_WORDS) as file:
            table = file.read(use_threads=False)
    except (OSError, KeyError, pa.ArrowException):  # a key: it has other columns
        return None
    return table if table.schema.equals(_SCHEMA) else None


def _made(run: Stored, refused: list[str]) -> pa.Table:
    """The summary of a run, from the run; kept for the next time, unless the run is damaged.

    Raises:
        RunFileError: the run cannot be read.
    """
    path = summary_path(run.path)
    read = read_run(run.path)
    latest = read.latest
    rows = [_figures(record) for record in latest]
    figures = {
        name: np.array([row.get(name) for row in rows], dtype=np.float64) for name in FIGURES
    }
    words = {
        "point": [record.point.model_dump_json() for record in latest],
        "status": [record.status.value for record in latest],
    }
    coded = {name: pa.array(words[name], pa.string()).dictionary_encode() for name in _WORDS}
    table = pa.table({**coded, **figures}, _SCHEMA)
    # A damaged run says so every time that it is read, so its summary is not kept.
    refused += read.damaged
    if not read.damaged:
        with suppress(OSError), placing(path) as part:
            parquet.write_table(table, os.fspath(part), compression="zstd")
    return table


def _figures(record: Record) -> dict[str, float | None]:
    """The figures that a record has, named as in `reports.load`, whose whole rows would take ten
    times as long."""
    found: dict[str, float | None] = {}
    if latency := record.latency:
        found["latency_ms"] = latency.median_ms
        found |= {"latency_low_ms": latency.low_ms, "latency_high_ms": latency.high_ms}
    if record.memory:
        found["workspace_bytes"] = record.memory.workspace_bytes
    if agreement := record.agreement:
        found["distance_to_full"] = agreement.distance_to_full
        found["oracle_error"] = agreement.oracle_error
    if counts := record.counts:
        found |= {**counts.__dict__, "counted_flops": counts.flops}
    return found


_WORDS = ["point", "status"]
_SCHEMA = pa.schema(
    [
        *((name, pa.dictionary(pa.int32(), pa.string())) for name in _WORDS),
        *((name, pa.float64()) for name in FIGURES),
    ]
)
