"""What became of contenders that were measured like the points of any sweep: the chosen one, and
those that were chosen before it and found to be wrong."""

from __future__ import annotations

import pandas as pd

from reports.frame import to_frame
from reports.race import Race
from reports.runfile import Run, key_on_any
from reports.schema import Status

MEASURED = (Status.OK, Status.THROTTLED)

Rows = dict[int, pd.Series]
"""By chunk size: rows of a frame of `reports.load`."""


def rows_of(run: Run) -> dict[str, pd.Series]:
    """Every point of a run by its key, as `key_on_any` has it."""
    keys = [key_on_any(record.point) for record in run.latest]
    return {key: row for key, (_, row) in zip(keys, to_frame([run]).iterrows(), strict=True)}


def measured_of(race: Race, rows: dict[str, pd.Series]) -> Rows:
    """The rows of a race's contenders that were measured after it, whatever became of them."""
    found = {
        contender.chunk_size: rows.get(key_on_any(race.point_of(contender.chunk_size)))
        for contender in race.contenders
    }
    known = {n: row for n, row in found.items() if row is not None}
    # What is older belongs to a race that was cut short.
    return {n: row for n, row in known.items() if row["started_at"] >= race.started_at}


def failures(race: Race, rows: Rows) -> dict[int, str]:
    """By chunk size why one is out: it failed in a heat, or when it was measured."""
    found = {n: reason for heat in race.heats for n, reason in heat.failed.items()}
    found |= {n: str(row["reason"]) for n, row in rows.items() if row["status"] not in MEASURED}
    return {n: f"in the fresh process: {reason}" for n, reason in found.items()}


def throttled(chunk_size: int, rows: Rows) -> str:
    """Why the measurement of the chosen one is no evidence; empty if it is."""
    if chunk_size not in rows or rows[chunk_size]["status"] != Status.THROTTLED:
        return ""
    return (
        f"The device held its clocks down while n = {chunk_size} was measured: run `hatrick tune` "
        "again when it is cool and has its full power"
    )
