"""When no chunk size is recommended, and what to run instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from reports import units
from reports.intervals import Ratio
from reports.race import Contender, Race
from reports.schema import Status
from reports.tuning.confirmation import MEASURED, Rows
from reports.tuning.constraints import nearest_miss
from reports.tuning.sequential import TIE

LEAST = 3
"""Chunk sizes that a recommendation is made from, where the length has room for so many."""
ROOM = 64
"""The shortest length at which a race has as many at once: 16, 32 and 64."""
NOISY = 0.1
"""Half the width of a tie's interval, relative, above which a tie means nothing."""
AGAIN = "run `hatrick tune` again"
CALM = f"{AGAIN} on a machine that does nothing else, or with more `--seconds`"


def before_confirming(race: Race, rows: Rows) -> str:
    """Why a race, with what the fresh process measured, is no evidence; empty if it is."""
    timed = [contender for contender in race.contenders if contender.rounds_ms]
    if not timed:
        return _none_timed(race.contenders)
    considered = len(race.contenders) + len(race.foreseen)
    if considered < LEAST and race.point.seq_len >= ROOM:
        return (
            f"Only {_counted(considered)} raced, which says nothing of the others: {AGAIN} without "
            f"`--chunk-size`, or with {LEAST} or more"
        )
    if any(min(map(min, contender.rounds_ms)) <= 0 for contender in timed):
        return "The clock is too coarse for a single call: tune with a larger batch or length"
    if not rows:
        return f"It was not confirmed in a fresh process: {AGAIN}"
    measured = [row for row in rows.values() if row["status"] in MEASURED]
    if not measured:
        n, row = next(iter(rows.items()))
        return (
            f"No finalist could be measured in the fresh process; n = {n}: {row['reason']}. Mend "
            f"that and {AGAIN}"
        )
    if held := [n for n, row in rows.items() if row["status"] == Status.THROTTLED]:
        return (
            f"The device held its clocks down while n = {held[0]} was measured: {AGAIN} when it is "
            "cool and has its full power"
        )
    return ""


def after_confirming(timed: int, ties: Mapping[int, Sequence[Ratio]]) -> str:
    """Why a fastest chunk size is not known well enough; empty if it is.

    Args:
        timed: how many chunk sizes have times.
        ties: of those that tie with it the latency over its own, in each process that has both:
            what one of them knows well enough is known.
    """
    widths = {n: min((of.high - of.low) / 2 for of in found) for n, found in ties.items()}
    if widths and max(widths.values()) > NOISY:
        n = max(widths, key=widths.__getitem__)
        known = f"to ±{units.percent(widths[n])} only" if widths[n] < inf else "from too few rounds"
        return (
            f"Too noisy: the latency of n = {n} over that of the fastest is known {known}; {CALM}"
        )
    faster = 1 / (1 + TIE)
    undecided = sum(max(of.low for of in found) < faster for found in ties.values())
    if timed > LEAST and undecided > timed / 2:
        return (
            f"Not settled: {undecided} of {timed} chunk sizes may each be more than "
            f"{units.percent(TIE)} faster than the one that led; {CALM}"
        )
    return ""


def _none_timed(contenders: Sequence[Contender]) -> str:
    failed = [contender for contender in contenders if contender.outcome == "failed"]
    of_failed = ""
    if failed:
        what = "the others" if len(failed) < len(contenders) else "all of them"
        of_failed = f"{what} failed, n = {failed[0].chunk_size}: {failed[0].reason}"
    if nearest := nearest_miss(contenders):
        more = f" ({of_failed})" if of_failed else ""
        return f"No chunk size meets the constraints{more}. {nearest} Relax that and {AGAIN}"
    return f"Nothing could be timed; {of_failed}. Mend that and {AGAIN}"


def _counted(sizes: int) -> str:
    return "1 chunk size was" if sizes == 1 else f"{sizes} chunk sizes were"
