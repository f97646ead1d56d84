"""The finalists of a race, measured again in a fresh process: which is the fastest, and what ties.

What one process makes of a chunk size (where its memory lies, what its caches hold) is the same in
all of its rounds, so that no test within a race sees it. The fresh process draws it again; where it
disagrees with what was found before, another one is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from reports.compare import Verdict, compare
from reports.frame import to_frame
from reports.intervals import Ratio
from reports.race import Race
from reports.runfile import Run, key_on_any
from reports.schema import Record, Status
from reports.tuning.sequential import TIE

MEASURED = (Status.OK, Status.THROTTLED)

Rows = dict[int, pd.Series]
"""By chunk size: rows of a frame of `reports.load`."""


@dataclass(frozen=True)
class Confirmation:
    """What the fresh process says."""

    fastest: int
    confirmed: bool
    """No other finalist is clearly faster than the race's leader, by more than `TIE`; the leader is
    `fastest` then."""
    ties: list[int]
    """The other finalists, ascending, that are not clearly slower than `fastest`, or by `TIE` at
    most: so little need not outlive the process."""


def rows_of(run: Run) -> dict[str, pd.Series]:
    """Every point of a run by its key, as `key_on_any` has it."""
    keys = [key_on_any(record.point) for record in run.latest]
    return {key: row for key, (_, row) in zip(keys, to_frame([run]).iterrows(), strict=True)}


def confirming(run: Run, race: Race) -> list[Rows]:
    """The rows of a race's finalists, whatever became of them, in each of the fresh processes that
    measured them after the race, in order.

    Of a race that several were asked about, those that were cut short are left out.
    """
    finalists = {
        key_on_any(race.point_of(contender.chunk_size))
        for contender in race.contenders
        if contender.outcome == "finalist"
    }
    processes: list[list[Record]] = []
    seen: Counter[str] = Counter()
    for record in run.records:
        key = key_on_any(record.point)
        if key not in finalists or record.started_at < race.started_at:
            continue
        if seen[key] == len(processes):
            processes.append([])
        processes[seen[key]].append(record)
        seen[key] += 1
    whole = [records for records in processes if len(records) == len(finalists)]
    frames = [to_frame([replace(run, records=records)]) for records in whole or processes[:1]]
    return [{int(row["chunk_size"]): row for _, row in frame.iterrows()} for frame in frames]


def last_of(leader: int, processes: Sequence[Rows]) -> Confirmation:
    """What the last of some fresh processes says, held against the fastest of the one before; the
    first is held against the race.

    Args:
        leader: of the race.
        processes: of each the rows of finalists that were measured; one in which the fastest of the
            one before failed says nothing.
    """
    said = Confirmation(leader, False, [])
    for rows in processes:
        if said.fastest in rows:
            said = confirmation(said.fastest, rows)
    return said


def confirmation(leader: int, rows: Rows) -> Confirmation:
    """Hold a leader, of the race or the process before, against what a fresh process says.

    Args:
        leader: one of the rows.
        rows: of finalists that were measured.
    """
    against = {n: compare(rows[n], rows[leader]) for n in rows if n != leader}
    clear = [
        n
        for n, found in against.items()
        if found.verdict is Verdict.FASTER and found.ratio > 1 + TIE
    ]
    fastest = max(clear, key=lambda n: against[n].ratio, default=leader)
    others = {n: compare(rows[fastest], rows[n]) for n in sorted(rows) if n != fastest}
    return Confirmation(
        fastest,
        not clear,
        [
            n
            for n, found in others.items()
            if found.verdict is not Verdict.FASTER or found.ratio <= 1 + TIE
        ],
    )


def fresh_ratio(rows: Rows, chunk_size: int, reference: int) -> Ratio | None:
    """One's latency over another's in the fresh process; None without enough rounds in common."""
    if chunk_size == reference:
        return Ratio(1.0, 1.0, 1.0)
    found = compare(rows[chunk_size], rows[reference])
    if found.interval is None:
        return None
    return Ratio(1 / found.ratio, 1 / found.interval[1], 1 / found.interval[0])
