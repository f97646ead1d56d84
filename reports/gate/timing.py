"""Whether head is slower than base: every point's ratio with its interval, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, log1p

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from reports.gate.contrasts import Contrasts, contrasts
from reports.gate.floor import noise_floor, point_floors
from reports.gate.forecast import more_blocks
from reports.gate.location import Location, degrees, locate
from reports.gate.reference import Reference, reference, residual_pool
from reports.gate.result import Block, Noise, Timing, Verdict

_Array = NDArray[np.float64]

CONFIDENCE = 0.95
"""Of the intervals shown."""


@dataclass(frozen=True)
class Estimate:
    """One point's effect and nulls, located by the same rule; natural logarithms."""

    log: float
    error: float
    nulls: tuple[float, float]
    """What the rule makes of differences within a side."""
    chances: Reference
    """Of (estimate - truth) / error, for as many blocks as this point has."""


def judge(
    blocks: Sequence[Sequence[Block]], *, limit: float, rate: float
) -> tuple[list[Timing], Noise, float]:
    """Compare head with base at every point.

    A point is `slower` if the Benjamini-Hochberg procedure ("Controlling the False Discovery Rate",
    J. R. Stat. Soc. B 57, 1995) at `rate` rejects that head's ratio to base is at most 1 + limit,
    and `faster` if it rejects that it is at least 1 / (1 + limit). Both questions of all points are
    one family, so at most that share of the points named slower or faster is expected to be named
    wrongly, a wrong direction included (Benjamini and Yekutieli, "False Discovery Rate-Adjusted
    Multiple Confidence Intervals for Selected Parameters", JASA 100, 2005). Points of
    one block that drift alike do not spoil that: it holds under positive dependence (the same, "The
    Control of the False Discovery Rate in Multiple Testing under Dependency", Ann. Stat. 29, 2001,
    theorem 1.2).

    A point is the `same` if its 95% interval lies between 1 / (1 + limit) and 1 + limit.

    The interval is wider than 95% for a point outside the limit: R out of m points having been
    selected as slower or faster, theirs have the confidence 1 - R rate / m, which keeps the share
    of intervals that miss at `rate` among the selected ones (the paper of 2005); those that come
    out of it with the limit inside are `unsure`. So a point is `slower` if and only if its interval
    lies above 1 + limit.

    Args:
        blocks: of each point, one or more.
        limit: relative slowdown that is allowed, above 0.
        rate: false discovery rate over all points, above 0 and at most 5%.

    Returns:
        Verdicts in the order of the points; the noise of the machine, from differences within
        the sides; and the highest limit that was used: each point's is no smaller than that
        point's own noise floor, so that one noisy point blinds no other.

    Raises:
        ValueError: no points, a limit or a rate that is not allowed, or blocks that cannot be used.
    """
    if not blocks:
        raise ValueError("there are no points to judge; give the blocks of at least one")
    if not limit > 0:
        raise ValueError(f"the limit is {limit:g}; give one above 0, such as 0.05 for 5%")
    if not 0 < rate <= 1 - CONFIDENCE + 1e-12:
        raise ValueError(
            f"the false discovery rate is {rate:g}; give one above 0 and at most 0.05, so that no "
            "point is called slower whose 95% interval says that it may not be"
        )
    points = [contrasts(each) for each in blocks]
    located = [_locate(point.effect, point.nulls, point) for point in points]
    estimates = _estimates(points, located)
    errors = [each.error for each in estimates]
    freedom = sum(degrees(point.counts) for point in points)
    limits = [log1p(max(limit, floor)) for floor in point_floors(errors, freedom)]
    slower, faster = _p_values(estimates, limits)
    both = false_discovery_control([*slower, *faster], method="bh")
    alarms = int(np.count_nonzero(both <= rate))
    # Half of it at either end; without an alarm, as if the next point were to be the first.
    tail = max(alarms, 1) * rate / len(blocks) / 2
    timings = [
        _timing(of_point, estimate, (float(p), float(q)), limit=own, tail=tail)
        for of_point, estimate, p, q, own in zip(
            blocks, estimates, slower, faster, limits, strict=True
        )
    ]
    largest = max(abs(exp(null) - 1) for each in estimates for null in each.nulls)
    noise = Noise(floor=noise_floor(errors, freedom), largest=largest)
    return timings, noise, expm1(max(limits))


def _timing(
    blocks: Sequence[Block],
    estimate: Estimate,
    p_values: tuple[float, float],
    *,
    limit: float,
    tail: float,
) -> Timing:
    """One point; the limit is a logarithm, the tail that of selected points."""
    low, high = _interval(estimate, limit, tail)
    verdict = _verdict(low, high, limit)
    more = 0
    if verdict is Verdict.UNSURE:
        inside = (1 - CONFIDENCE) / 2
        more = more_blocks(
            estimate.log, estimate.error, len(blocks), limit=limit, inside=inside, outside=tail
        )
    return Timing(
        blocks=list(blocks),
        base_ms=_typical([block.base for block in blocks]),
        head_ms=_typical([block.head for block in blocks]),
        ratio=exp(estimate.log),
        low=exp(low),
        high=exp(high),
        null_ratio=exp(max(estimate.nulls, key=abs)),
        p_slower=p_values[0],
        p_faster=p_values[1],
        verdict=verdict,
        limit=expm1(limit),
        more_blocks=more,
    )


def _estimates(points: Sequence[Contrasts], located: Sequence[Location]) -> list[Estimate]:
    """Every point's estimate, with chances from the noise of all."""
    pool = residual_pool(points, located, np.random.default_rng(0))
    chances = {
        counts: reference(pool, counts, np.random.default_rng(1))
        for counts in {point.counts for point in points}
    }
    estimates = []
    for point, location in zip(points, located, strict=True):
        residuals = location.residuals[0]
        nulls = [
            _locate(null, np.column_stack([residuals, other]), point).log[0]
            for null, other in (point.nulls.T, point.nulls.T[::-1])
        ]
        estimates.append(
            Estimate(
                log=float(location.log[0]),
                error=float(location.error[0]),
                nulls=(float(nulls[0]), float(nulls[1])),
                chances=chances[point.counts],
            )
        )
    return estimates


def _locate(effect: _Array, others: _Array, point: Contrasts) -> Location:
    return locate(effect[None], np.sum(others**2, axis=1)[None], point.counts)


def _p_values(estimates: Sequence[Estimate], limits: Sequence[float]) -> tuple[_Array, _Array]:
    """Against: head is slower by no more than the limit; faster by no more than it."""
    found = [
        each.chances.chance(np.array([each.log - limit, -each.log - limit]) / each.error)
        for each, limit in zip(estimates, limits, strict=True)
    ]
    slower, faster = np.array(found).T
    return slower, faster


def _interval(estimate: Estimate, limit: float, tail: float) -> tuple[float, float]:
    """Ends of the interval: at 95%, or outside the limit at the selected points' confidence."""
    plain = estimate.chances.quantile((1 - CONFIDENCE) / 2) * estimate.error
    outside = abs(estimate.log) - plain > limit
    half = estimate.chances.quantile(tail) * estimate.error if outside else plain
    return estimate.log - half, estimate.log + half


def _verdict(low: float, high: float, limit: float) -> Verdict:
    if low > limit:
        return Verdict.SLOWER
    if high < -limit:
        return Verdict.FASTER
    return Verdict.SAME if -limit < low and high < limit else Verdict.UNSURE


def _typical(pairs: Sequence[tuple[float, float]]) -> float:
    """Median over the blocks of what a side took, in milliseconds."""
    return float(np.median([np.sqrt(one * other) for one, other in pairs]))
