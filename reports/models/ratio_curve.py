"""A smooth curve through measured ratios of two latencies, and how sure it is of its sign.

The logarithm of a ratio of two power laws is a straight line in log T. Fixed costs, caches and a
chunk size that changes bend it, so the model of the log ratio r at x = log T is

    r(x) = a + b·x + g(x),   measured as   r(x_i) + effect_i + noise_i

with a smooth departure g, a Gaussian process of standard deviation `BEND` that changes over a
factor `REACH` in T; an effect of standard deviation tau that each length has by itself (padding,
alignment, where memory lay), for it does not shrink with more samples; and noise of known variance,
from the rounds. a and b are free: Rasmussen and Williams, "Gaussian Processes for Machine
Learning", 2006, section 2.7 (kriging with a trend).

tau is not known, and few lengths say little of it: the curve is averaged over its values, each
weighted by how well it explains the lengths and by a prior, as in a meta-analysis of few studies
(Röver, "Bayesian random-effects meta-analysis using the bayesmeta R package", Journal of
Statistical Software 93, 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr, ndtri

from reports.models.ratios import LogRatios

BEND = 0.3
"""Standard deviation of the departure from a straight line, of a log ratio. Where a fixed cost
gives way to growth T^p, the second derivative in log T is at most p²/4; this allows 0.27."""
REACH = 4.0
"""Factor in T over which the departure changes."""
EFFECT = 0.05
"""Scale of the prior of tau, half-normal: what a length has by itself is seldom above 10%."""
_TAUS = np.geomspace(0.002, 0.4, 24)
"""Values of tau that are weighed. Two lengths never agree better than the first."""
_EPS = 1e-12


@dataclass(frozen=True)
class RatioCurve:
    """A smooth log ratio at lengths close to each other; all arrays are (points,)."""

    seq_len: NDArray[np.float64]
    """From the shortest to the longest length measured, evenly spaced in log T."""
    log: NDArray[np.float64]
    """Estimate of the log ratio: above 0 the first of the two is faster."""
    score: NDArray[np.float64]
    """The probability that it is above 0, as a quantile of the normal distribution: beyond ±1.96
    the sign is known with 95% confidence."""


def ratio_curve(ratios: LogRatios, points: int = 512) -> RatioCurve:
    """Smooth the log ratios of two curves.

    Args:
        ratios: at two lengths or more.

    Raises:
        ValueError: fewer than two lengths.
    """
    if len(ratios.seq_len) < 2:
        raise ValueError(f"a curve needs two lengths with a ratio, got {len(ratios.seq_len)}")
    x = np.log(ratios.seq_len)
    at = np.linspace(x[0], x[-1], points)
    fits = [_fit(x, ratios.log, ratios.variance + tau**2, at) for tau in _TAUS]
    evidence = np.array([fit[2] for fit in fits]) - (_TAUS / EFFECT) ** 2 / 2
    # The grid is even in log tau, so a density over tau has a factor tau on it.
    weights = _TAUS * np.exp(evidence - evidence.max())
    weights /= weights.sum()
    means, deviations = (np.array([fit[i] for fit in fits]) for i in (0, 1))
    above = np.clip(weights @ ndtr(means / deviations), _EPS, 1 - _EPS)
    return RatioCurve(np.exp(at), weights @ means, ndtri(above))


def _fit(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    variance: NDArray[np.float64],
    at: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Mean and standard deviation of the curve at some places, given each measurement's variance,
    and the logarithm of the likelihood with a and b integrated out."""
    factor = cho_factor(_departure(x, x) + np.diag(variance), lower=True)
    line, line_at = (np.column_stack([np.ones_like(u), u - x.mean()]) for u in (x, at))
    solved = cho_solve(factor, line)
    information = line.T @ solved
    trend = np.linalg.solve(information, solved.T @ y)
    rest = cho_solve(factor, y - line @ trend)
    between = _departure(at, x)
    mean = line_at @ trend + between @ rest
    lever = line_at - between @ solved
    spread = (
        BEND**2
        - np.einsum("ij,ji->i", between, cho_solve(factor, between.T))
        + np.einsum("ij,ji->i", lever, np.linalg.solve(information, lever.T))
    )
    log_likelihood = (
        -float(np.log(np.diag(factor[0])).sum())
        - float(np.linalg.slogdet(information)[1]) / 2
        - float((y - line @ trend) @ rest) / 2
    )
    return mean, np.sqrt(np.maximum(spread, _EPS)), log_likelihood


def _departure(x: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of the departure between places x and others: (x, other)."""
    apart = (x[:, None] - other) / np.log(REACH)
    return np.asarray(BEND**2 * np.exp(-(apart**2) / 2), dtype=np.float64)
