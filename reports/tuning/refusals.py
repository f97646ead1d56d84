"""When no chunk size is recommended, and what to run instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from reports import units
from reports.race import Contender, Race
from reports.tuning.confirmation import NOISY, Confirmation
from reports.tuning.constraints import nearest_miss

LEAST = 3
"""Chunk sizes that a recommendation is made from, where the length has room for so many."""
ROOM = 64
"""The shortest length at which a race has as many at once: 16, 32 and 64."""
AGAIN = "run `hatrick tune` again"
CALM = f"{AGAIN} on a machine that does nothing else, or with more `--seconds`"


def before_confirming(race: Race, failed: Mapping[int, str]) -> str:
    """Why a race is no evidence; empty if it is.

    Args:
        failed: by chunk size why a finalist is out.
    """
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
    if not race.heats:
        return f"It was not confirmed in a fresh process: {AGAIN}"
    finalists = [one.chunk_size for one in race.contenders if one.outcome == "finalist"]
    if all(n in failed for n in finalists):
        n = finalists[0]
        return f"No finalist is left; n = {n} {failed[n]}. Mend that and {AGAIN}"
    return ""


def after_confirming(said: Confirmation, processes: int) -> str:
    """Why a fastest chunk size is not known well enough; empty if it is.

    Args:
        said: by the last of so many fresh processes.
    """
    if said.confirmed:
        return ""
    if said.width > NOISY:
        n = max(said.ratios, key=lambda n: said.ratios[n].high - said.ratios[n].low)
        known = f"to ±{units.percent(said.width)} only" if said.width < inf else "from too little"
        return (
            f"Too noisy: the latency of n = {n} over that of the fastest is known {known}; {CALM}"
        )
    return (
        f"Each of {processes} fresh processes calls another chunk size clearly faster than the one "
        f"before did, the last n = {said.fastest}; {CALM}"
        if processes > 1
        else f"The fresh process calls n = {said.fastest} clearly faster, and none was asked after "
        f"it; {AGAIN}"
    )


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
