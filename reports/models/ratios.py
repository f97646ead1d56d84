"""How many times as long one curve takes as another, at every length that both have.

Points of one length took turns in the same rounds, so their ratio is free of the machine's drift,
which two curves by themselves are not: their lengths lie minutes apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.intervals import MIN_VISITS
from reports.models.curves import Curve
from reports.models.resampling import medians, picks

DRAWS = 400
"""Of a length's log ratio, for its variance: known to 7% by so many."""

_Visits = dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class LogRatios:
    """The ratio of two curves at their common lengths; all arrays are (lengths,)."""

    seq_len: NDArray[np.float64]
    log: NDArray[np.float64]
    """Natural logarithm of the second curve's latency over the first's: above 0 the first is
    faster."""
    variance: NDArray[np.float64]
    """Of `log`, from the scatter of the rounds at its length."""


def log_ratios(one: Curve, other: Curve) -> LogRatios:
    """The ratio of two latencies at every length that both have.

    Where both took part in at least `MIN_VISITS` rounds, the ratio is that of these rounds, the
    estimate of `reports.intervals.paired_ratio`, and its variance is that of draws of whole rounds,
    the same for both. Elsewhere (the order was sequential, or another device took over) it is the
    ratio of the two medians, with visits drawn for each by itself. A length with fewer visits than
    that on either side is left out: they say too little of how far visits lie apart.

    Args:
        one, other: curves of latencies of one setting, samples above 0.

    Raises:
        ValueError: a curve that is not of latencies.
    """
    for curve in (one, other):
        if curve.quantity != "latency":
            raise ValueError(
                f"the {curve.quantity} of {curve.label} has no samples; give curves of latencies"
            )
    found = []
    for T in np.intersect1d(one.seq_len, other.seq_len).tolist():
        mine, theirs = _visits(one, T), _visits(other, T)
        # A clock too coarse for a single call gives samples of zero, and no ratio.
        coarse = any(visit.min() <= 0 for side in (mine, theirs) for visit in side.values())
        if not coarse and min(len(mine), len(theirs)) >= MIN_VISITS:
            found.append((T, *_log_ratio(mine, theirs)))
    return LogRatios(*np.array(found, dtype=np.float64).reshape(-1, 3).T)


def _visits(curve: Curve, seq_len: float) -> _Visits:
    """The samples of each visit at one length, by the round it was made in."""
    at = int(np.searchsorted(curve.seq_len, seq_len))
    ends = np.cumsum(curve.visits[at])[:-1]
    return dict(zip(curve.rounds[at], np.split(curve.samples[at], ends), strict=True))


def _log_ratio(mine: _Visits, theirs: _Visits) -> tuple[float, float]:
    """The log ratio at one length, and its variance."""
    rng = np.random.default_rng(0)
    common = sorted(mine.keys() & theirs.keys())
    if len(common) < MIN_VISITS:
        first, second = (_median_log(list(side.values()), rng) for side in (mine, theirs))
        return second[0] - first[0], first[1] + second[1]
    return _paired([mine[when] for when in common], [theirs[when] for when in common], rng)


def _median_log(visits: list[NDArray[np.float64]], rng: np.random.Generator) -> tuple[float, float]:
    """Logarithm of the median of one point's samples, and its variance."""
    logs, sizes = np.log(np.concatenate(visits)), [len(visit) for visit in visits]
    drawn = medians(logs, sizes, picks(len(sizes), rng, DRAWS))
    return float(np.median(logs)), float(drawn.var())


def _paired(
    mine: list[NDArray[np.float64]], theirs: list[NDArray[np.float64]], rng: np.random.Generator
) -> tuple[float, float]:
    """The log ratio of visits made in the same rounds, and its variance.

    As in `reports.intervals.paired_ratio`: the samples of one side are divided by the median of the
    visit of the other, which is the side with more samples; with as many each is it in turn.
    """
    drawn = picks(len(mine), rng, DRAWS)
    sizes = [sum(map(len, side)) for side in (mine, theirs)]
    estimates, draws = [], []
    for sign, samples, divisors, is_surer in (
        (1, theirs, mine, sizes[0] >= sizes[1]),
        (-1, mine, theirs, sizes[1] >= sizes[0]),
    ):
        if is_surer:
            ratios = [visit / np.median(by) for visit, by in zip(samples, divisors, strict=True)]
            logs = np.log(np.concatenate(ratios))
            estimates.append(sign * float(np.median(logs)))
            draws.append(sign * medians(logs, [len(visit) for visit in samples], drawn))
    return float(np.mean(estimates)), float(np.mean(draws, axis=0).var())
