"""When warm-up ends, and when a point has been sampled enough."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from statistics import median

import numpy as np

from reports.figures import StoppedBy
from reports.intervals import median_interval

MIN_SAMPLES = 20
SLOW_CALL_MS = 1000.0
MIN_SLOW_SAMPLES = 10
"""`MIN_SAMPLES` where one call takes longer than `SLOW_CALL_MS`."""
MIN_VISITS = 5
MAX_SAMPLES = 1000

HARMLESS = 0.01
"""Relative difference of medians that warm-up does not wait for: as much as precision aims at."""
DOUBT = 0.2
"""Below this probability a difference is not taken for chance. Higher than the usual 5%: warming up
for twice as long costs some time, samples from a warm-up cost the number."""
LEAST_CALLS = 16
LEAST_MS = 500.0
"""Warm-up is not judged before it has made this many calls or taken this long, whichever is first:
in fewer and shorter ones noise hides too much."""
TESTABLE_CALLS = 8
"""Fewer say nothing of chance."""
COARSE = 0.05
"""In place of `HARMLESS` with so few calls, all of them long: another pair would cost seconds, and
what is left of a warm-up shows as drift between visits."""

STABLE_VISITS = 10
"""Before that the interval is so wide that it calls targets out of reach that are not, and lets
drift pass for noise."""
SAME_SPREAD = 1.25
"""Factor within which the spreads of the two halves of the visits agree."""


def stationary(durations_ms: Sequence[float]) -> bool:
    """Whether the calls of a warm-up have come to take the same time. Ask after 2, 4, 8, 16, ...
    calls only: asked after every call, chance alone would soon say True.

    The first quarter is forgotten, and the rest is cut in two. These halves differ if their medians
    are more than `HARMLESS` apart and chance would seldom set them so far apart (Mann-Whitney);
    below `TESTABLE_CALLS` calls a difference of `COARSE` alone decides.

    True does not mean that calls have reached their final time. A change slower than `HARMLESS`
    over the calls seen passes, and so does one that noise hides; a step to come cannot be foreseen
    (Barrett et al., "Virtual Machine Warmup Blows Hot and Cold", OOPSLA 2017, find processes that
    never become steady). False does not mean that calls still become faster: they may become
    slower, and one time in five it is chance.

    Args:
        durations_ms: all warm-up calls in order.

    Returns:
        False with fewer than two calls, and with fewer than `LEAST_CALLS` that took less than
        `LEAST_MS` in all.
    """
    calls = np.asarray(durations_ms, dtype=np.float64)
    if len(calls) < 2 or (len(calls) < LEAST_CALLS and calls.sum() < LEAST_MS):
        return False
    size = max(1, (len(calls) - len(calls) // 4) // 2)
    before, after = calls[-2 * size : -size], calls[-size:]
    first, second = float(np.median(before)), float(np.median(after))
    if len(calls) < TESTABLE_CALLS:
        return abs(second - first) <= COARSE * first
    if abs(second - first) <= HARMLESS * first:
        return True
    # Here, for it takes a second: a worker that takes short turns never asks.
    from scipy.stats import mannwhitneyu

    return bool(mannwhitneyu(before, after).pvalue >= DOUBT)


def min_samples(call_ms: float) -> int:
    """How many samples a point needs at least, by what one call takes, in milliseconds."""
    return MIN_SLOW_SAMPLES if call_ms > SLOW_CALL_MS else MIN_SAMPLES


def stopped_by(
    samples_ms: Sequence[float],
    visits: Sequence[int],
    *,
    target: float,
    seconds: float,
    spent_s: float | None = None,
) -> StoppedBy | None:
    """Why a point needs no more samples, or None if it does. Ask after every round.

    Nothing stops a point before it has `min_samples` and `MIN_VISITS`. Then: `precision`: half the
    width of the median's 95% interval, relative to the median, is at most the target. `time`: the
    time allowed is spent. `samples`: there are `MAX_SAMPLES`. `stable`: earlier and later
    visits agree in median and spread, and at that spread the target is out of reach.

    Args:
        samples_ms: all samples in the order taken.
        visits: how many of them each visit took.
        target: half the interval's width relative to the median, such as 0.01.
        seconds: most sampling time.
        spent_s: sampling time so far; None: what the samples add up to.
    """
    middle = median(samples_ms)
    if len(visits) < MIN_VISITS or len(samples_ms) < min_samples(middle):
        return None
    interval = median_interval(samples_ms, visits)
    assert interval is not None  # so many samples and visits have one
    reach = (interval[1] - interval[0]) / 2
    if reach <= target * middle:
        return "precision"
    if len(samples_ms) >= MAX_SAMPLES:
        return "samples"
    spent_ms = sum(samples_ms) if spent_s is None else spent_s * 1e3
    if spent_ms >= seconds * 1e3:
        return "time"
    affordable = min(MAX_SAMPLES, len(samples_ms) * seconds * 1e3 / spent_ms)
    needed = (reach / (target * middle)) ** 2 * len(samples_ms) if middle else inf
    if (
        len(visits) >= STABLE_VISITS
        and needed > affordable
        and _is_stable(samples_ms, visits, reach)
    ):
        return "stable"
    return None


def _is_stable(samples_ms: Sequence[float], visits: Sequence[int], reach: float) -> bool:
    """Whether the two halves of the visits agree, in median within `reach`, and in spread."""
    cut = sum(visits[: len(visits) // 2])
    quartiles = np.array(
        [np.quantile(half, (0.25, 0.5, 0.75)) for half in (samples_ms[:cut], samples_ms[cut:])]
    )
    medians = quartiles[:, 1]
    # Relative to the medians, multiplied crosswise: a clock too coarse for a call gives zeros.
    spreads = (quartiles[:, 2] - quartiles[:, 0]) * medians[::-1]
    return bool(
        abs(medians[0] - medians[1]) <= reach and spreads.max() <= SAME_SPREAD * spreads.min()
    )
