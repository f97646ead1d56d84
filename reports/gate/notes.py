"""What a gate compared, and what its verdicts mean, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports import units
from reports.gate.result import Noise, Outcome, PointResult, Result
from reports.gate.words import counted, side
from reports.schema import Status


def notes(result: Result) -> list[str]:
    """What was compared, what the verdicts mean, and what else there is to know, in sentences."""
    said = [
        f"Head, {side(result.head)}, against base, {side(result.base)}.",
        *_of_limit(result),
        *_of_unsure(result),
        *_of_advisory(result),
        *_of_untimed(result.points),
        *result.notes,
    ]
    return list(filter(None, said))


def _of_limit(result: Result) -> list[str]:
    if all(point.timing is None for point in result.points):
        return []
    asked, used = units.percent(result.asked_limit), units.percent(result.limit)
    floor = (
        "" if result.noise is None else f"The noise floor of this run is {_floor(result.noise)}."
    )
    raised = [p.timing for p in result.points if p.timing and p.timing.limit > result.asked_limit]
    allowed = (
        f"Up to {asked} slower is the same; of {counted(len(raised), 'point')} that is below the "
        f"noise, and was raised to its own floor there, {used} at most."
        if raised
        else f"Up to {asked} slower is the same."
    )
    return [
        f"{allowed} {floor}".strip(),
        "Ratios are head's latency over base's, with 95% intervals, which are wider for points "
        "outside the limit, for there are many to choose from. Of the points called slower, "
        f"at most {units.percent(result.rate)} are so by chance in the long run (false discovery "
        "rate by Benjamini-Hochberg).",
    ]


def _floor(noise: Noise) -> str:
    return (
        f"{units.percent(noise.floor)}: equal code stays below that, over all points together, in "
        f"all but one run in a hundred; in this run its largest was {units.percent(noise.largest)}"
    )


def _of_unsure(result: Result) -> list[str]:
    unsure = [point for point in result.points if point.outcome is Outcome.UNSURE]
    blocks = max((point.timing.more_blocks for point in unsure if point.timing), default=0)
    if not blocks:
        return []
    what = "the unsure point" if len(unsure) == 1 else f"the {len(unsure)} unsure points"
    return [f"About {counted(blocks, 'more block')} would settle {what}: --settle takes them."]


def _of_advisory(result: Result) -> list[str]:
    if not result.advisory:
        return []
    return [f"Timings are advisory, and fail nothing: {result.advisory.rstrip('.')}."]


def _of_untimed(points: Sequence[PointResult]) -> list[str]:
    # Of what a side lacks the row itself says why there is no timing.
    fine = [p for p in points if {p.base_status, p.head_status} <= {Status.OK, Status.THROTTLED}]
    why = Counter(point.untimed.rstrip(".") for point in fine if point.untimed)
    return [f"Not timed: {counted(count, 'point')} ({reason})." for reason, count in why.items()]
