"""What a chosen chunk size costs against the best of the full grid.

The fastest of a noisy grid is fast by chance too, and held against the same samples it makes any
choice look bad (the winner's curse). So every grid is measured by two fresh processes: what is best
is read off one and compared in the other, and the other way round (cross-fitting: Chernozhukov et
al., "Double/Debiased Machine Learning", Econometrics J. 21, 2018, section 1). What one process
calls the best may be a little slower than the truly best, so this is a little too small where
several are close. The plain ratio, with both from the same samples, stands beside it and is too
large: in expectation the regret lies between the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log, sqrt

import pandas as pd

from reports import markdown
from reports.compare import paired
from reports.frame import to_frame
from reports.intervals import Ratio
from reports.models.claims import length
from reports.runfile import Run, key_on_any
from reports.schema import Status

PROCESSES = 2
HEADERS = ("T", "how", "n", "best", "regret", "naive", "slowest / chosen")
WORDS = ("how",)
COLUMNS = (
    "seq_len",
    "how",
    "chunk_size",
    "best_a",
    "best_b",
    "regret",
    "low",
    "high",
    "naive",
    "slowest",
)


@dataclass(frozen=True)
class Regret:
    """Latency of the chosen chunk size over the best's, at one length."""

    regret: Ratio
    """Cross-fitted; may be a little below 1."""
    naive: float
    """By the same samples that the best is read off: biased upwards."""
    best: tuple[int, int]
    """The fastest chunk size of either process."""
    slowest: float
    """The slowest of the grid over the chosen: how much there was to lose."""


def regret(first: pd.DataFrame, second: pd.DataFrame, chunk_size: int) -> Regret:
    """The regret of a chunk size at one length.

    The interval holds that of both processes, and how far these two lie apart.

    Args:
        first, second: rows of the grid of a length, each of one process in which all took turns.
        chunk_size: one of the grid.

    Raises:
        ValueError: it is not in one of the two, or two of a process share too few rounds.
    """
    sides = [{int(row["chunk_size"]): row for _, row in s.iterrows()} for s in (first, second)]
    for side in sides:
        if chunk_size not in side:
            raise ValueError(
                f"n = {chunk_size} was chosen and is not in the grid: {', '.join(map(str, side))}"
            )
    against = [{n: _over(side, chunk_size, n) for n in side} for side in sides]
    best = [max(of, key=lambda n, of=of: of[n].ratio) for of in against]  # type: ignore[misc]
    crossed = [against[1][best[0]], against[0][best[1]]]
    logs = [log(one.ratio) for one in crossed]
    below = sqrt(sum(log(one.ratio / one.low) ** 2 for one in crossed)) / PROCESSES
    above = sqrt(sum(log(one.high / one.ratio) ** 2 for one in crossed)) / PROCESSES
    apart = abs(logs[0] - logs[1]) / PROCESSES
    middle = sum(logs) / PROCESSES
    both = {
        n: exp((log(of.ratio) + log(against[1][n].ratio)) / 2)
        for n, of in against[0].items()
        if n in against[1]
    }
    return Regret(
        Ratio(exp(middle), exp(middle - max(below, apart)), exp(middle + max(above, apart))),
        max(both.values()),
        (best[0], best[1]),
        1 / min(both.values()),
    )


def regret_table(run: Run) -> pd.DataFrame:
    """The regret of every length of a verification, a row a length with the columns of `COLUMNS`.

    Args:
        run: of `hatrick tune --verify`: its environment says what was chosen, and every point of
            its grids has two records that are ok.

    Raises:
        ValueError: it is none, or a grid is incomplete.
    """
    chosen = run.environment.spec.get("tune", {}).get("chosen")
    if not chosen:
        raise ValueError(f"{run.path}: it verifies no tuning: its spec has no tune.chosen")
    first, second = processes(run)
    rows = []
    for T, what in sorted(chosen.items(), key=lambda item: int(item[0])):
        grids = [side[side["seq_len"] == int(T)] for side in (first, second)]
        try:
            found = regret(grids[0], grids[1], int(what["chunk_size"]))
        except ValueError as error:
            raise ValueError(f"{run.path}, T = {T}: {error}") from None
        ends = (found.regret.ratio, found.regret.low, found.regret.high)
        rows.append(
            (
                int(T),
                what["how"],
                int(what["chunk_size"]),
                *found.best,
                *ends,
                found.naive,
                found.slowest,
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def regret_markdown(run: Run) -> str:
    """The same as Markdown, with the worst of every kind of length below."""
    table = regret_table(run)
    lines = [
        [
            length(row["seq_len"]),
            row["how"],
            str(row["chunk_size"]),
            " or ".join(map(str, sorted({row["best_a"], row["best_b"]}))),
            f"{row['regret']:.3f} ({row['low']:.3f}–{row['high']:.3f})",
            f"{row['naive']:.3f}",
            f"{row['slowest']:.2f}",
        ]
        for _, row in table.iterrows()
    ]
    worst = table.groupby("how", sort=False)["regret"].max()
    said = "; ".join(f"{how} {value:.3f}" for how, value in worst.items())
    return f"{markdown.table(HEADERS, lines, words=WORDS)}\n\nThe largest regret: {said}."


def processes(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The records of each of the two processes, as frames of `reports.load`.

    A point that is not ok in one of them is left out: nobody would choose it.

    Raises:
        ValueError: a point has not exactly two.
    """
    failed = {key_on_any(r.point) for r in run.records if r.status is not Status.OK}
    seen: Counter[str] = Counter()
    halves: list[list[int]] = [[], []]
    for i, record in enumerate(run.records):
        key = key_on_any(record.point)
        if key in failed:
            continue
        if seen[key] == PROCESSES:
            raise ValueError(
                f"{run.path}: T = {record.point.seq_len}, n = {record.point.chunk_size} has more "
                f"than {PROCESSES} records"
            )
        halves[seen[key]].append(i)
        seen[key] += 1
    if alone := [key for key, count in seen.items() if count < PROCESSES]:
        point = next(r.point for r in run.records if key_on_any(r.point) == alone[0])
        raise ValueError(
            f"{run.path}: T = {point.seq_len}, n = {point.chunk_size} was measured by one process "
            "alone, so nothing was held against it: verify again"
        )
    first, second = (
        to_frame([replace(run, records=[run.records[i] for i in half])]) for half in halves
    )
    return first, second


def _over(side: Mapping[int, pd.Series], chosen: int, other: int) -> Ratio:
    """The chosen one's latency over another's in one process."""
    if chosen == other:
        return Ratio(1.0, 1.0, 1.0)
    found = paired(side[other], side[chosen])
    if found is None:
        raise ValueError(f"n = {chosen} and n = {other} share too few rounds of one process")
    return found
