"""From what was measured of both sides to what a gate says."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate.run import Both, Judged
from bench.messages import Failure
from reports.gate.exact import exact_figures
from reports.gate.outcome import point_outcome
from reports.gate.result import Change, Exact, PointResult


def point_results(both: Sequence[Both], judged: Judged, advisory: str) -> list[PointResult]:
    """Every point, judged.

    Args:
        advisory: why timings fail nothing; empty if they do.
    """
    return [_point_result(each, judged, advisory) for each in both]


def _point_result(both: Both, judged: Judged, advisory: str) -> PointResult:
    base = None if both.base is None else both.base.figures
    head = None if both.head is None else both.head.figures
    timing = judged.timings.get(both.name)
    exact = exact_figures(base, head)
    if both.fell is not None:
        exact = [_fallen(both.fell), *(each for each in exact if each.name != "status")]
    return PointResult(
        name=both.name,
        base=None if both.base is None else both.base.point,
        head=None if both.head is None else both.head.point,
        base_status=None if base is None else base.status,
        head_status=both.fell.status if both.fell else None if head is None else head.status,
        exact=exact,
        timing=timing,
        untimed="" if timing is not None else both.untimed,
        outcome=point_outcome(exact, timing, advisory),
    )


def _fallen(failure: Failure) -> Exact:
    """The status of a point that was fine until it was timed."""
    return Exact(
        name="status",
        base="ok",
        head=failure.status.value,
        tolerance="none",
        change=Change.WORSE,
        remark=f"when it was timed: {failure.reason}",
    )
