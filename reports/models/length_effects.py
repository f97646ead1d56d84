"""A sum of terms fitted to values whose errors are partly shared by all points of one length.

    log(value_i) = log(terms_i @ coefficients) + length effect + own error,  coefficients >= 0

Points of one length take turns in the same rounds, points of another length run minutes later on a
machine that may have become slower or faster meanwhile. So a value is off by a factor that all
points of its length share and by one of its own: a linear mixed model with a random intercept a
length. What a length shares cancels in the ratios inside it; taken for the points' own error, it
would make every interval too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

DRAWS = 999
SEED = 20090411
STEPS = 50
TRUST = 0.5
"""Largest step of a logarithm that the linear form below is used for."""
RESOLUTION = 1e-9
"""Relative: values that the terms reach to within it are taken to be this far off, and a term that
is nowhere more of a value is taken for none."""
RATIOS = np.concatenate([[0.0], np.geomspace(0.05, 50, 40)])
"""Length effect over own error, both as standard deviations: the values that are weighed up."""

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """What `fit` found of p terms."""

    coefficients: _Array
    """(p,), none below 0."""
    draws: _Array
    """(`DRAWS`, p): coefficients as likely as the data make them, none below 0."""
    own_error: float
    """Standard deviation of an average point's own error, relative."""
    length_error: float
    """Standard deviation of what the points of one length share, relative."""


@dataclass(frozen=True)
class _Points:
    terms: _Array
    values: _Array
    groups: NDArray[np.intp]
    precision: _Array
    """1 over the standard deviation of a point's own error, in the average point's."""


@dataclass(frozen=True)
class _Weighed:
    """The linear form with its errors made independent and alike, for each of R ratios."""

    density: _Array
    """(R,): logarithm of how likely the ratio is, up to a constant."""
    factor: _Array
    """(R, p, p): R of the QR decomposition of the terms."""
    target: _Array
    """(R, p): the part of the values that the terms can reach."""
    residual: _Array
    """(R,): sum of the squares of the part they cannot."""


def fit(terms: _Array, values: _Array, lengths: NDArray[np.int64], variances: _Array) -> Fit:
    """Fit by non-negative least squares of the logarithms, weighted by both kinds of error.

    Gauss-Newton: around the fitted values f, log(value) is linear in the coefficients, with rows
    terms / f (relative errors), and each step is a non-negative least squares (Lawson and Hanson,
    "Solving Least Squares Problems", 1974) of rows that are divided by their own errors and made
    independent by subtracting a share of their length's mean (Fuller and Battese, "Transformations
    for Estimation of Linear Models with Nested-Error Structure", JASA 68, 1973). The ratio of the
    two errors has the highest restricted likelihood (Patterson and Thompson, Biometrika 58, 1971).

    How large the errors are comes from how far the values lie from the fit, all causes together.
    The variances only say which points may be farther off: each is averaged with their mean, for a
    variance from a handful of visits is itself uncertain (shrinkage: Smyth, "Linear Models and
    Empirical Bayes Methods", Stat. Appl. Genet. Mol. Biol. 3(1), 2004), and what the terms do not
    describe is no smaller where the samples agree.

    The draws are of the posterior of that model with flat priors on the coefficients and on the
    standard deviation of the length effect (Gelman, Bayesian Analysis 1(3), 2006): first the ratio,
    then the own error given the ratio, then the coefficients given both. So how little a few
    lengths say about the machine's drift is part of them. The model knows nothing of the bound at
    0: a draw below it goes to the nearest coefficients that are not, nearest by how well the data
    tell them apart (posterior projection: Patra and Dunson, arXiv:1812.05741).

    Args:
        terms: (N, p), not negative; N above p, of rank p.
        values: (N,), above 0.
        lengths: (N,), equal where two points share an error.
        variances: (N,), of the logarithm of each value by its own samples; only their ratios
            matter. All 0 where nothing is known: then all points count alike.
    """
    scale = np.linalg.norm(terms / values[:, None], axis=0)
    groups = np.unique(lengths, return_inverse=True)[1]
    points = _Points(terms / scale, values, groups, _precision(variances))
    found, ratio = values, 0.0
    for _ in range(2):
        found = _fitted(points, ratio, found)
        every = _weighed(points, RATIOS, found)
        best = int(every.density.argmax())
        ratio = float(RATIOS[best])
    freedom = len(values) - terms.shape[1]
    own_error = float(np.sqrt(every.residual[best] / freedom))
    # Rounding leaves traces of terms that are not there.
    least = RESOLUTION / (points.terms / values[:, None]).max(axis=0)
    coefficients = nnls(every.factor[best], every.target[best])[0]
    draws = _draw(every, freedom)
    return Fit(
        np.where(coefficients > least, coefficients, 0.0) / scale,
        np.where(draws > least, draws, 0.0) / scale,
        own_error,
        ratio * own_error,
    )


def _precision(variances: _Array) -> _Array:
    mean = variances.mean()
    return np.ones(len(variances)) if mean == 0 else 1 / np.sqrt((variances / mean + 1) / 2)


def _fitted(points: _Points, ratio: float, start: _Array) -> _Array:
    """The fitted values, from first ones on until a step changes nothing."""
    found = start
    for _ in range(STEPS):
        weighed = _weighed(points, np.array([ratio]), found)
        before, found = found, points.terms @ nnls(weighed.factor[0], weighed.target[0])[0]
        if np.allclose(found, before, rtol=1e-9, atol=0):
            break
    return found


def _weighed(points: _Points, ratios: _Array, around: _Array) -> _Weighed:
    logs = np.clip(np.log(points.values / around), -TRUST, TRUST)
    weight = points.precision[:, None]
    rows = weight * np.column_stack([points.terms / around[:, None], 1 + logs])
    count, p = points.terms.shape
    members = points.groups == np.arange(points.groups.max() + 1)[:, None]
    evidence = members @ weight**2
    means = members @ (weight * rows) / evidence
    # What the rows of a length share has 1 + growth times the variance of what they do not.
    growth = ratios[:, None] ** 2 * evidence[:, 0]
    share = 1 - 1 / np.sqrt(1 + growth)
    independent = rows - weight * (share[..., None] * means)[:, points.groups]
    both: _Array = np.asarray(np.linalg.qr(independent, mode="r"))
    residual = np.maximum(both[:, p, p] ** 2, count * RESOLUTION**2)
    density = -0.5 * (
        (count - p) * np.log(residual)
        + np.log1p(growth).sum(axis=1)
        + 2 * np.log(np.abs(np.diagonal(both, axis1=1, axis2=2)[:, :p])).sum(axis=1)
    )
    return _Weighed(density, both[:, :p, :p], both[:, :p, p], residual)


def _draw(every: _Weighed, freedom: int) -> _Array:
    generator = np.random.default_rng(SEED)
    # The ratios do not lie evenly: each stands for the ones around it.
    chance = np.exp(every.density - every.density.max()) * np.gradient(RATIOS)
    chosen = generator.choice(len(RATIOS), DRAWS, p=chance / chance.sum())
    chi = np.sqrt(generator.chisquare(freedom, DRAWS))
    noise = generator.standard_normal((DRAWS, every.target.shape[1]))
    error = np.sqrt(every.residual[chosen, None]) * noise / chi[:, None]
    draws = np.empty_like(noise)
    for i in np.unique(chosen):
        mine = chosen == i
        draws[mine] = solve_triangular(every.factor[i], (every.target[i] + error[mine]).T).T
    for k in np.flatnonzero((draws < 0).any(axis=1)):
        factor = every.factor[chosen[k]]
        draws[k] = nnls(factor, factor @ draws[k])[0]
    return draws
