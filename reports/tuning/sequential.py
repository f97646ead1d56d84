"""Which chunk sizes of a race are clearly slower, judged again after every few rounds.

In a round every chunk size that is still in the race is visited once, so rounds are blocks of a
randomised block design and chunk sizes its treatments: log(latency) = chunk size + round + error.
What a round does to all (clocks, temperature, other load) is the round's and cancels. The error is
pooled over all chunk sizes and rounds, which is what lets three rounds tell a tenth apart; a chunk
size that shows to be noisier than the others is judged by its own noise alone.

Each is compared with the leader, the one with the lowest estimate: multiple comparisons with the
best (Hsu, "Constrained Simultaneous Confidence Intervals for Multiple Comparisons with the Best",
Ann. Statist. 12, 1984). Looking again and again would find differences that are not there: look i
may err with probability 6 / (π i)² of all that is allowed, which adds up to all of it over any
number of looks, and that is shared among the comparisons of a look (Bonferroni).

Now and then a visit is half as long again as the others, and a mean of few visits is then all about
that one. The estimates are Huber's M-estimates (Huber, "Robust Regression: Asymptotics, Conjectures
and Monte Carlo", Ann. Statist. 1, 1973): errors beyond `BEND` standard deviations count as if they
were there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri, stdtrit

ERROR = 0.05
"""Probability that the chunk size that is truly best is dropped at any look, at most."""
TIE = 0.02
"""A race is settled when nothing that is left in it is faster than the leader by more than this."""
MIN_ROUNDS = 2
BEND = 1.5
"""In standard deviations: 96% as efficient as a mean where errors are normal."""
STEPS = 10
NORMAL_MAD = 0.6745
"""Median of the absolute value of a standard normal error."""
SMALL_MAD = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.2, 7: 1.14, 8: 1.129, 9: 1.107}
"""What the median absolute deviation of so few values is short by; of m more it is m / (m - 0.8)
(Croux and Rousseeuw, "Time-Efficient Algorithms for Two Highly Robust Estimators of Scale", 1992).
"""
NOISIER = 0.2
"""Probability that a chunk size as noisy as the others is taken for noisier. Not small, for that
costs it some of the power of its comparison, and the opposite error makes the bounds too narrow."""

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What a look at a race says."""

    dropped: list[int]
    """Chunk sizes that are clearly slower than the leader, ascending."""
    settled: bool
    """Of those that are left nothing is faster than the leader by more than `TIE`, or nothing but
    the leader is left. False does not mean that something is."""
    leader: int
    """The chunk size with the lowest estimate."""


def judge(rounds: Mapping[int, Sequence[float]], *, look: int) -> Verdict:
    """What is known after some rounds of a race.

    Simulated with 2 to 12 chunk sizes that are all alike, a drift, and 12 looks, the first after
    three rounds, one that was named beforehand was dropped in 1.2% to 4.5% of races: with normal
    errors, with one visit in 33 half as long again, with Student's t of 3 degrees and with
    exponential errors. With a third of the chunk sizes three times as noisy as the others it was
    up to 10%. With errors of 2% or 3% one that is a tenth slower than the best is dropped after
    three rounds in most races.

    Args:
        rounds: of every chunk size still in the race, the logarithm of its latency in each of the
            rounds that all of them took part in: equally many, `MIN_ROUNDS` or more.
        look: which look at this race it is, from 1.

    Raises:
        ValueError: there is no chunk size, or no such rounds, or no such look.
    """
    if look < 1:
        raise ValueError(f"look is {look}, and the first one is 1")
    sizes, contrast, error, freedom = _contrasts(rounds)
    others = max(1, len(sizes) - 1)
    spent = ERROR * 6 / (pi * look) ** 2
    is_slower = contrast > _quantile(spent / others, freedom) * error
    # Those that were dropped are known to be slower and no longer stand against the leader.
    is_beaten = contrast > _quantile(ERROR / others, freedom) * error - np.log1p(TIE)
    return Verdict(
        sorted(int(n) for n in sizes[is_slower]),
        bool(np.all(is_slower | is_beaten)),
        int(sizes[contrast.argmin()]),
    )


def _quantile(tail: float, freedom: _Array) -> _Array:
    """Student's t that is exceeded with a probability."""
    return np.asarray(stdtrit(freedom, 1 - tail))


def _contrasts(
    rounds: Mapping[int, Sequence[float]],
) -> tuple[NDArray[np.int64], _Array, _Array, _Array]:
    """The chunk sizes, log ratios to the leader, their standard errors, degrees of freedom."""
    counts = {len(values) for values in rounds.values()}
    if len(counts) != 1 or min(counts) < MIN_ROUNDS:
        raise ValueError(
            f"rounds of {sorted(counts)} visits; give every chunk size in the race as many, "
            f"{MIN_ROUNDS} or more"
        )
    sizes = np.array(sorted(rounds), np.int64)
    values = np.array([rounds[n] for n in sizes.tolist()], np.float64)
    visits = values.shape[1]
    if len(sizes) == 1:
        return sizes, np.zeros(1), np.zeros(1), np.ones(1)
    effects, clipped, variance, pooled = _fitted(values)
    leader = int(effects.argmin())
    own = (clipped - clipped[leader]).var(axis=1, ddof=1)
    error = np.sqrt(np.maximum(2 * variance, own) / visits)
    error[leader] = 0.0
    is_noisier = own > 2 * variance * fdtri(visits - 1, pooled, 1 - NOISIER)
    return sizes, effects - effects[leader], error, np.where(is_noisier, visits - 1.0, pooled)


def _fitted(values: _Array) -> tuple[_Array, _Array, float, int]:
    """Estimates of the chunk sizes, the values with their errors clipped, the variance of an error
    as it goes into the variance of an estimate, and its degrees of freedom.

    Args:
        values: (k, m), chunk sizes by rounds.
    """
    k, m = values.shape
    freedom = (k - 1) * (m - 1)
    clipped = values
    for _ in range(STEPS):
        fitted = clipped.mean(axis=1, keepdims=True) + clipped.mean(axis=0) - clipped.mean()
        residual = values - fitted
        # A fit takes its share of the errors: what is left of them is smaller than they are.
        spread = deviation(residual.ravel()) * np.sqrt(k * m / freedom)
        around = residual - np.median(residual, axis=1, keepdims=True)
        own = deviation(around) * SMALL_MAD.get(m, m / (m - 0.8))
        # One that is noisier has errors beyond the others' that are no accidents.
        bound = BEND * np.maximum(spread, own)[:, None]
        clipped = fitted + np.clip(residual, -bound, bound)
    inside = float(np.mean(np.abs(residual) <= bound))
    variance = float(np.sum((clipped - fitted) ** 2)) / freedom / inside**2
    return clipped.mean(axis=1), clipped, variance, freedom


def deviation(errors: _Array) -> _Array:
    """The standard deviation along the last axis by the median, which accidents do not move."""
    return np.asarray(np.median(np.abs(errors), axis=-1) / NORMAL_MAD)
