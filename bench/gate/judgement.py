"""From what was measured of both sides to what a gate says."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate.run import Both, Judged
from reports.gate.exact import exact_figures
from reports.gate.outcome import point_outcome
from reports.gate.result import PointResult


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
    return PointResult(
        name=both.name,
        base=None if both.base is None else both.base.point,
        head=None if both.head is None else both.head.point,
        base_status=None if base is None else base.status,
        head_status=None if head is None else head.status,
        exact=exact,
        timing=timing,
        untimed="" if timing is not None else both.untimed,
        outcome=point_outcome(exact, timing, advisory),
    )
