"""How far measured values lie from a fitted curve, drawn again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]


def errors(
    residuals: _Array, kept: _Array, deviations: _Array, rng: np.random.Generator
) -> tuple[_Array, _Array]:
    """Draws of the errors of every length, as logarithms.

    Two things put a measured median off the curve. The samples show how far chance alone would
    (`deviations`). And lengths are measured at different times: what changed meanwhile (clocks,
    other load, where memory lies) moved all samples of a length alike, so no sample shows it. Only
    the residuals do, as scatter beyond what sampling explains: the variance between lengths, by
    the method of moments (DerSimonian and Laird, "Meta-Analysis in Clinical Trials", 1986, for
    studies in place of lengths).

    A few residuals say little about a variance, so each draw takes one of those that could have
    left these residuals: their sum of squares over a draw of chi-square with the degrees of
    freedom. Intervals from such draws are Student's t and not normal, like those of Hartung and
    Knapp ("On tests of the overall treatment effect in meta-analysis with normally distributed
    responses", Statist. Med. 20, 2001). With residuals smaller than sampling allows they do not
    get narrower than sampling.

    A drift that goes steadily with the length cannot be told from growth by any analysis of one
    run.

    Args:
        residuals: log(measured / fitted), (L,).
        kept: of each length's error, the share of its variance that stays in the residuals after
            the fit (1 less its leverage), (L,), adding up to the degrees of freedom.
        deviations: draws of the sampling error of each length, (draws, L); zeros without any.

    Returns:
        Errors, (draws, L), and the standard deviation between lengths in every draw, (draws,).
    """
    freedom = float(kept.sum())
    total = np.sum(residuals**2) / rng.chisquare(freedom, len(deviations))
    sampling = kept @ np.var(deviations, axis=0) / freedom
    between = np.sqrt(np.maximum(total - sampling, 0.0))
    normal = rng.standard_normal(deviations.shape)
    return deviations + between[:, None] * normal, between


def kept(gradient: _Array) -> _Array:
    """Of each length, the share of its variance that stays in the residuals of a fit: (L,).

    1 less its leverage (Hoaglin and Welsch, "The Hat Matrix in Regression and ANOVA", 1978).

    Args:
        gradient: derivatives of the fitted curve by its parameters, (L, parameters).
    """
    basis, _ = np.linalg.qr(gradient)
    return np.asarray(1 - np.sum(basis**2, axis=1), dtype=np.float64)
