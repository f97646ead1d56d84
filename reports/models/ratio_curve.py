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
from scipy.special import ndtr, ndtri

from reports.models.ratios import LogRatios

BEND = 0.3
"""Standard deviation of the departure from a straight line, of a log ratio: between bends that are
larger in places (a fixed cost that gives way to growth T^p has a second derivative of up to p²/4 in
log T, this one a standard deviation of 0.27) and the straight line that most curves are."""
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
    means, deviations, likelihoods = _fits(x, ratios.log, ratios.variance + _TAUS[:, None] ** 2, at)
    evidence = likelihoods - (_TAUS / EFFECT) ** 2 / 2
    # The grid is even in log tau, so a density over tau has a factor tau on it.
    weights = _TAUS * np.exp(evidence - evidence.max())
    weights /= weights.sum()
    above = np.clip(weights @ ndtr(means / deviations), _EPS, 1 - _EPS)
    return RatioCurve(np.exp(at), weights @ means, ndtri(above))


def _fits(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    variance: NDArray[np.float64],
    at: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the curve at some places, given each measurement's variance,
    and the logarithm of the likelihood with a and b integrated out.

    All values of tau at once: by themselves these small systems cost mostly their calls.

    Args:
        x, y: (lengths,).
        variance: (taus, lengths).
        at: (points,).

    Returns:
        (taus, points), (taus, points) and (taus,).
    """
    covariance = _departure(x, x) + variance[:, :, None] * np.eye(len(x))
    inverse = np.linalg.inv(covariance)
    line, line_at = (np.column_stack([np.ones_like(u), u - x.mean()]) for u in (x, at))
    solved = inverse @ line
    information = line.T @ solved
    trend = (np.linalg.inv(information) @ (y @ solved)[:, :, None])[:, :, 0]
    off = y - trend @ line.T
    rest = np.einsum("tij,tj->ti", inverse, off)
    between = _departure(at, x)
    mean = trend @ line_at.T + rest @ between.T
    lever = line_at - between @ solved
    spread = (
        BEND**2
        - np.sum((between @ inverse) * between, axis=-1)
        + np.sum((lever @ np.linalg.inv(information)) * lever, axis=-1)
    )
    determinants = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(information)[1]
    log_likelihood = -(determinants + np.sum(off * rest, axis=-1)) / 2
    return mean, np.sqrt(np.maximum(spread, _EPS)), log_likelihood


def _departure(x: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of the departure between places x and others: (x, other)."""
    apart = (x[:, None] - other) / np.log(REACH)
    return np.asarray(BEND**2 * np.exp(-(apart**2) / 2), dtype=np.float64)
