"""Bootstrap draws of a median from samples that were taken in visits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 999
"""For a 95% interval: its ends are then the 25th draw from below and from above (Davison and
Hinkley, "Bootstrap Methods and their Application", 1997, chapter 5)."""
TAILS = (2.5, 97.5)
"""Percentiles of the ends of a 95% interval."""


def picks(visits: int, rng: np.random.Generator, draws: int = DRAWS) -> NDArray[np.int64]:
    """How often each visit is drawn: (draws, visits).

    Visits are the units that are drawn, with replacement, each with all its samples: calls of one
    visit are consecutive and share its conditions, so drawing single calls gives intervals that
    are too narrow, and drawing calls within the drawn visits counts their scatter twice (Davison
    and Hinkley 1997, section 3.8). One visit fewer is drawn than there are, which makes the
    variance of a mean unbiased (Rao and Wu, "Resampling Inference with Complex Survey Data", JASA
    83, 1988): drawing all would understate it by a fifth with five visits.

    Points that took turns in the same rounds share a drift; drawn with the same picks, it cancels
    between them.
    """
    chances = np.full(visits, 1 / visits)
    return np.asarray(rng.multinomial(max(1, visits - 1), chances, size=draws), dtype=np.int64)


def medians(
    samples: NDArray[np.float64], visits: Sequence[int], drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The median of every draw: (draws,), in the samples' unit.

    Args:
        samples: all samples of a point in the order taken.
        visits: how many of them each visit took, in order; they add up to all.
        drawn: how often each visit is drawn, (draws, visits): what `picks` gives.

    Raises:
        ValueError: the visits do not add up to the samples.
    """
    if sum(visits) != len(samples):
        raise ValueError(
            f"visits of {list(visits)} samples do not make {len(samples)} samples; together they "
            "have all"
        )
    order = np.argsort(samples, kind="stable")
    ordered = samples[order]
    owner = np.repeat(np.arange(len(visits)), visits)[order]
    # Few visits give few different draws: five give 70. Each is worked out once.
    kinds, back = _distinct(drawn)
    below = np.cumsum(kinds[:, owner], axis=1)
    half = below[:, -1:] / 2
    # With an even number of samples the median lies between two, which these two then are.
    lower = np.argmax(below >= half, axis=1)
    upper = np.argmax(below > half, axis=1)
    return np.asarray(((ordered[lower] + ordered[upper]) / 2)[back], dtype=np.float64)


def log_deviations(
    samples: Sequence[NDArray[np.float64]],
    visits: Sequence[Sequence[int]],
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> NDArray[np.float64]:
    """How far drawn medians lie from the measured one, as logarithms: (draws, points).

    A point with one visit says nothing of how far visits lie apart, and one without samples (the
    workspace is counted, not sampled) has no sampling error: both give zeros, as does a point with
    samples of 0.

    Args:
        samples, visits: of each point.
    """
    deviations = np.zeros((draws, len(samples)))
    for i, (of_point, counts) in enumerate(zip(samples, visits, strict=True)):
        # A clock too coarse for a single call gives samples of 0, which have no logarithm.
        if len(counts) > 1 and of_point.min() > 0:
            drawn = medians(of_point, counts, picks(len(counts), rng, draws))
            deviations[:, i] = np.log(drawn / np.median(of_point))
    return deviations


def _distinct(drawn: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The different draws, and which of them each draw is."""
    base = int(drawn.max(initial=0)) + 1
    if drawn.shape[1] * np.log2(base) > 62:  # more visits than a number of 64 bits can tell apart
        return drawn, np.arange(len(drawn))
    codes = drawn @ base ** np.arange(drawn.shape[1], dtype=np.int64)
    _, first, back = np.unique(codes, return_index=True, return_inverse=True)
    return drawn[first], back
