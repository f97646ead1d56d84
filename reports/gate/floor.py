"""How far from 1 the ratios of equal code come out."""

from __future__ import annotations

from collections.abc import Sequence
from math import expm1

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm, t

RARELY = 0.01
"""Of all runs, the share in which equal code comes out beyond the floor at any point."""


def noise_floor(errors: Sequence[float], freedom: int) -> float:
    """Relative difference that all ratios of equal code stay below, but for one run in a hundred.

    The chances that the estimates lie beyond it on either side add up to `RARELY` over the points,
    which bounds the chance that any does, however they depend on each other (Bonferroni). Each is
    normal with its own standard error, since what is far out in a block's noise is in its error,
    too. Errors are known from few blocks, so all are longer by the ratio of Student's t to the
    normal; its degrees of freedom are those of all points, since errors that came out too small and
    too large make up for each other in the sum.

    Args:
        errors: standard error of the estimated logarithm, for each point; above 0.
        freedom: degrees of freedom of all of them together.
    """
    longer = t.isf(RARELY / 2, freedom) / norm.isf(RARELY / 2)
    lengths = longer * np.asarray(errors, dtype=np.float64)

    def excess(floor: float) -> float:
        return float(np.sum(2 * ndtr(-floor / lengths))) - RARELY

    highest = float(norm.isf(RARELY / len(lengths) / 2) * lengths.max())
    # Above the highest no point has more than its part of the chance.
    return expm1(float(brentq(excess, 0.0, 1.001 * highest)))


def point_floors(errors: Sequence[float], freedom: int) -> list[float]:
    """As `noise_floor`, but each point has a floor of its own, and the same part of the chance: one
    point that is noisy then blinds no other."""
    longer = t.isf(RARELY / 2, freedom) / norm.isf(RARELY / 2)
    part = float(longer * norm.isf(RARELY / len(errors) / 2))
    return [expm1(part * error) for error in errors]
