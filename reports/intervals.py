"""95% intervals of medians and of their ratios, from samples that were taken in visits.

Samples of one visit are consecutive calls, and between two visits other points run. What changes
from visit to visit (clocks, temperature, where memory lies, other load) moves all samples of a
visit together, so they count for less than as many independent ones: an interval that takes them
for independent is too narrow. Both functions here let the visits be the independent units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtrit

CONFIDENCE = 0.95
MIN_VISITS = 5
"""For an interval: fewer say too little of how far visits lie apart."""
_TAIL = (1 - CONFIDENCE) / 2

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A ratio of two medians and its 95% interval."""

    ratio: float
    low: float
    high: float


def median_interval(samples: Sequence[float], visits: Sequence[int]) -> tuple[float, float] | None:
    """95% interval of the median of samples taken in visits.

    Two order statistics whose ranks lie as far from the middle as the number of samples below the
    median may lie from half of them: Woodruff, "Confidence Intervals for Medians and Other Position
    Measures", JASA 47 (1952). The variance of that number comes from how far each visit's own
    number is from half the visit (the visits are clusters), and Student's t allows for how few they
    are. As many visits count as would be worth these if they were of one size (Kish, "Survey
    Sampling", 1965, on weighting).

    It is never narrower than the exact interval for independent samples (sign test: Conover,
    "Practical Nonparametric Statistics", 3rd ed., section 3.2): that visits agree better than
    chance would have them is chance, too. Where the ranks would lie beyond the outermost samples
    these are the ends: the range of k visits that share nothing holds the median with probability
    1 - 2^(1 - k), which is 94% for five and 97% for six.

    Args:
        samples: all samples in the order taken.
        visits: how many of them each visit took, in order; they add up to all. They should be of
            about one size: a visit with most of the samples is the median, and hides how far the
            others lie from it.

    Returns:
        Lower and upper end, in the samples' unit. None with fewer than `MIN_VISITS` visits, or too
        few samples for 95%.

    Raises:
        ValueError: the visits do not add up to the samples.
    """
    values, starts = _in_visits(samples, visits)
    n = len(values)
    outer = _sign_test_rank(n)
    if len(visits) < MIN_VISITS or outer < 1:
        return None
    ordered = np.sort(values)
    # Above 0 for visits that lie below the median; ties count half to either side.
    excess = np.add.reduceat(np.sign(np.median(ordered) - values), starts) / 2
    # At least 2, so that a visit with most of the samples leaves a degree of freedom.
    clusters = max(2.0, n**2 / sum(count**2 for count in visits))
    spread = sqrt(clusters / (clusters - 1) * float(excess @ excess))
    rank = floor(n / 2 + 0.5 + float(stdtrit(clusters - 1, _TAIL)) * spread)
    rank = min(max(rank, 1), outer)
    return float(ordered[rank - 1]), float(ordered[n - rank])


def paired_ratio(
    own: Sequence[float],
    own_visits: Sequence[int],
    other: Sequence[float],
    other_visits: Sequence[int],
) -> Ratio | None:
    """How many times as long as `own` the `other` takes, from the rounds both took part in.

    Visit i of one and visit i of the other were made in round i, so what a round does to both
    cancels when every sample of one is divided by the median of the other's visit. Reported is the
    median of these ratios, with the interval that `median_interval` gives it.

    The divisor comes from the point with more samples in these rounds; with as many of both each
    is the divisor in turn, and the result is the geometric mean of the two. (The plain mean of the
    ratios of visit medians is off where a visit has few samples: noise is skewed, so the median of
    two samples lies above the median of fifty on average.)

    Args:
        own: all samples of one point in the order taken, above 0.
        own_visits: how many of them each visit took, in order; they add up to all.
        other, other_visits: the same of the other point. Where one has more visits, its last ones
            are left out.

    Returns:
        The ratio, other / own; None with fewer than `MIN_VISITS` rounds in common, or too few
        samples in them for 95%.

    Raises:
        ValueError: the visits do not add up to the samples, or a sample is not above 0.
    """
    rounds = min(len(own_visits), len(other_visits))
    if rounds < MIN_VISITS:
        return None
    mine = _visits(own, own_visits)[:rounds]
    theirs = _visits(other, other_visits)[:rounds]
    sizes = [sum(len(visit) for visit in side) for side in (mine, theirs)]
    found: list[tuple[float, float, float] | None] = []
    if sizes[0] >= sizes[1]:
        found.append(_log_ratio(theirs, over=mine))
    if sizes[1] >= sizes[0]:
        inverse = _log_ratio(mine, over=theirs)
        found.append(inverse and (-inverse[0], -inverse[2], -inverse[1]))
    logs = [log for log in found if log is not None]
    return Ratio(*np.exp(np.mean(logs, axis=0)).tolist()) if logs else None


def _log_ratio(
    visits: Sequence[_Array], *, over: Sequence[_Array]
) -> tuple[float, float, float] | None:
    """Logarithm of the ratio of one side's samples to the other's visits, and its interval."""
    ratios = [visit / np.median(divisor) for visit, divisor in zip(visits, over, strict=True)]
    logs = np.log(np.concatenate(ratios))
    interval = median_interval(logs.tolist(), [len(visit) for visit in visits])
    return None if interval is None else (float(np.median(logs)), *interval)


def _sign_test_rank(n: int) -> int:
    """Rank of the lower end, from 1, for independent samples; 0 with too few of them."""
    # Number of r with P(Binomial(n, 1/2) <= r) <= 2.5%: these may all lie below the lower end.
    return int(np.count_nonzero(bdtr(np.arange(n // 2), n, 0.5) <= _TAIL))


def _in_visits(samples: Sequence[float], visits: Sequence[int]) -> tuple[_Array, NDArray[np.intp]]:
    """The samples as an array, and where in it each visit starts."""
    if sum(visits) != len(samples) or min(visits, default=1) < 1:
        raise ValueError(
            f"visits of {list(visits)} samples do not make {len(samples)} samples; every visit has "
            "at least one, and together they have all"
        )
    ends = np.cumsum(visits, dtype=np.intp)
    return np.asarray(samples, dtype=np.float64), ends - np.asarray(visits, dtype=np.intp)


def _visits(samples: Sequence[float], visits: Sequence[int]) -> list[_Array]:
    """The samples of each visit; all must be above 0."""
    values, starts = _in_visits(samples, visits)
    if not values.min(initial=1.0) > 0:
        raise ValueError(
            f"a sample is {values.min():g}, and a ratio needs every one above 0: the clock is too "
            "coarse for a single call"
        )
    return np.split(values, starts[1:])
