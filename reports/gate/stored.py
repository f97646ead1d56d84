"""A latency against one measured another day: intervals of medians, and nothing cancels."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, hypot, log, log1p

from scipy.special import ndtr, ndtri
from scipy.stats import false_discovery_control

from reports.figures import Latency
from reports.gate.result import Timing, Verdict
from reports.intervals import CONFIDENCE

_Z = float(-ndtri((1 - CONFIDENCE) / 2))


def judge_stored(
    pairs: Sequence[tuple[Latency, Latency]], *, limit: float, rate: float
) -> list[Timing]:
    """Judge latencies of head against stored ones of base, each a pair `(base, head)`.

    The two medians are independent. Of each, half of its 95% interval (on a logarithmic scale) is
    taken as 1.96 standard errors, and the ratio as log-normal with both. What a machine's speed
    does from one day to another is in neither interval: that is what the limit is for.

    Args:
        limit: relative slowdown that is allowed.
        rate: false discovery rate (Benjamini and Hochberg, "Controlling the False Discovery Rate",
            J. R. Statist. Soc. B 57, 1995) over all of them, slower and faster each by itself.
    """
    found = [_estimate(base, head) for base, head in pairs]
    if not found:
        return []
    reach = log1p(limit)
    slower = [float(ndtr((reach - middle) / error)) for middle, error in found]
    faster = [float(ndtr((reach + middle) / error)) for middle, error in found]
    called = zip(
        false_discovery_control(slower) <= rate,
        false_discovery_control(faster) <= rate,
        strict=True,
    )
    return [
        _timing(*pair, *estimate, *p, _verdict(*estimate, *calls, reach), limit)
        for pair, estimate, p, calls in zip(
            pairs, found, zip(slower, faster, strict=True), called, strict=True
        )
    ]


def _estimate(base: Latency, head: Latency) -> tuple[float, float]:
    """Logarithm of the ratio of the medians, head over base, and its standard error."""
    errors = [_standard_error(latency) for latency in (base, head)]
    return log(head.median_ms / base.median_ms), hypot(*errors)


def _standard_error(latency: Latency) -> float:
    """Of the logarithm of a median. Where samples are too few for its interval, their range is the
    interval, which is the wider one."""
    low, high = latency.low_ms, latency.high_ms
    if low is None or high is None:
        low, high = min(latency.samples_ms), max(latency.samples_ms)
    return max(log(high / low) / (2 * _Z), 1e-9)


def _verdict(middle: float, error: float, slower: bool, faster: bool, reach: float) -> Verdict:
    low, high = middle - _Z * error, middle + _Z * error
    if slower and low > reach:
        return Verdict.SLOWER
    if faster and high < -reach:
        return Verdict.FASTER
    return Verdict.SAME if -reach < low and high < reach else Verdict.UNSURE


def _timing(
    base: Latency,
    head: Latency,
    middle: float,
    error: float,
    p_slower: float,
    p_faster: float,
    verdict: Verdict,
    limit: float,
) -> Timing:
    return Timing(
        blocks=[],
        base_ms=base.median_ms,
        head_ms=head.median_ms,
        ratio=exp(middle),
        low=exp(middle - _Z * error),
        high=exp(middle + _Z * error),
        null_ratio=None,
        p_slower=p_slower,
        p_faster=p_faster,
        verdict=verdict,
        limit=limit,
        more_blocks=0,
    )
