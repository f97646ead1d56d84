"""How many more blocks an unsure point would take."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

MOST = 1000
"""Nobody takes more: the estimate lies on the limit, and more blocks would not settle it soon."""


def more_blocks(
    estimate: float, error: float, blocks: int, *, limit: float, inside: float, outside: float
) -> int:
    """How many until the interval has the limit no longer in it, if the estimate stays: 1 to 1000.

    The error shrinks with the square root of the number of blocks, and the quantile of Student's t
    with their degrees of freedom. The estimate will move, so it is a guess.

    Args:
        estimate, error: natural logarithm of the ratio, from so many blocks.
        limit: natural logarithm of the one that was used.
        inside, outside: chance above the interval's upper end, for an estimate that lies within
            the limit and for one beyond.
    """
    beyond = abs(estimate) > limit
    total = blocks + np.arange(1, MOST)
    freedom = 3 * total - 2
    half = stdtrit(freedom, 1 - (outside if beyond else inside)) * error * np.sqrt(blocks / total)
    settled = half < abs(abs(estimate) - limit)
    return int(np.argmax(settled)) + 1 if settled.any() else MOST
