"""Where the effects of some blocks lie, and how surely: blocks that were disturbed count less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

TAILS = 6.0
"""Degrees of freedom of the multivariate t. Simulated with 4 to 10 blocks, it costs 2 to 4% of the
precision where noise is normal, and gains 20% and more where a process in twenty is disturbed."""
STEPS = 12
"""Of the iteration: with 6 blocks it is then within 1% of an error of its end, 99 times in 100."""
SMALLEST = 1e-9
"""A relative difference that is none: a clock that is coarse gives equal times."""


@dataclass(frozen=True)
class Location:
    """Estimates for N points, or N draws, with K blocks each; natural logarithms."""

    log: _Array
    """Of head over base, (N,)."""
    error: _Array
    """Its standard error, (N,)."""
    scale: _Array
    """Of the contrasts of one block, (N,)."""
    residuals: _Array
    """Effects less the mean of their order of turns, (N, K)."""


def degrees(counts: Sequence[int]) -> int:
    """Degrees of freedom of the scale: three contrasts a block, less a mean for each order."""
    return 3 * sum(counts) - len(counts)


def locate(effect: _Array, squares: _Array, counts: Sequence[int]) -> Location:
    """Estimate the effect from blocks of unequal worth.

    The three contrasts of a block are taken for a multivariate t around (effect, 0, 0), whose
    maximum likelihood estimate is a mean in which a block weighs the less the larger its contrasts
    are, the nulls included (Lange, Little and Taylor, "Robust Statistical Modeling Using the t
    Distribution", JASA 84, 1989, by iteratively reweighted least squares). A block in which
    something else ran gives itself away by its nulls, without regard to the effect.

    A drift that bends within a cycle, or a place in it that is slower than the others, moves the
    effect one way with base first and the other way with head first. So each order has a mean of
    its own, and the estimate lies in the middle between them, however many blocks each has.

    Args:
        effect: (N, K), those of the first order first.
        squares: sums of the squares of the two nulls, (N, K).
        counts: blocks of each order: they add up to K.
    """
    member = np.repeat(np.eye(len(counts)), counts, axis=0)  # (K, orders)
    weights = np.ones_like(effect)
    for _ in range(STEPS):
        total = weights @ member
        means = (weights * effect) @ member / total
        residuals = effect - means @ member.T
        lengths = residuals**2 + squares
        variance = (weights * lengths).sum(axis=1) / degrees(counts)
        variance = np.maximum(variance, SMALLEST**2)
        weights = (TAILS + 3) / (TAILS + lengths / variance[:, None])
    # The expected information on the location, less than that of a normal (the same paper).
    information = (TAILS + 3) / (TAILS + 5)
    spread = (1 / total).sum(axis=1) / len(counts) ** 2
    return Location(
        log=means.mean(axis=1),
        error=np.sqrt(variance * spread / information),
        scale=np.sqrt(variance),
        residuals=residuals,
    )


def lengthened(location: Location, counts: Sequence[int]) -> _Array:
    """Residuals of the first estimate, made longer by what their means have taken from them: (K,).

    Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 6.2. The only
    block of an order leaves no residual; it has 0.
    """
    sizes = np.repeat(counts, counts)
    longer = np.sqrt(sizes / np.maximum(sizes - 1, 1))
    return np.asarray(location.residuals[0] * longer, dtype=np.float64)
