"""What the four processes of a block say: how far the sides differ, and how far equals do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.gate.result import Block

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Contrasts:
    """The blocks of one point, as natural logarithms; those with base first come first."""

    effect: _Array
    """Head less base, (K,): (b1 + b2 - a1 - a2) / 2."""
    nulls: _Array
    """Differences of processes of one side, (K, 2): (a1 - a2 + b1 - b2) / 2 and
    (a1 - a2 - b1 + b2) / 2."""
    counts: tuple[int, ...]
    """How many blocks there are of each order of turns, base first and head first; an order
    without blocks is left out."""


def contrasts(blocks: Sequence[Block]) -> Contrasts:
    """Split the blocks of one point into what compares the sides and what compares equals.

    The four logarithms of a block are its mean and three orthogonal contrasts (a factorial of two
    by two: Box, Hunter and Hunter, "Statistics for Experimenters", 2nd ed., 2005, chapter 5). The
    three, with either sign, are the six ways to call two of four processes base and two head. So if
    the code of both sides is the same, and processes differ by chance only, nothing tells the
    effect from the two nulls: they show the noise of the effect, whatever its distribution.

    Raises:
        ValueError: no blocks, or a time that is not above 0.
    """
    if not blocks:
        raise ValueError("there are no blocks to judge; a point has at least one")
    ordered = sorted(blocks, key=lambda block: not block.base_first)
    ms = np.array([[*block.base, *block.head] for block in ordered], dtype=np.float64)
    if not ms.min() > 0:
        raise ValueError(
            f"a process took {ms.min():g} ms, and a ratio needs times above 0: the clock is too "
            "coarse for a single call; measure a longer one"
        )
    a1, a2, b1, b2 = np.log(ms).T
    firsts = sum(block.base_first for block in ordered)
    return Contrasts(
        effect=(b1 + b2 - a1 - a2) / 2,
        nulls=np.stack([a1 - a2 + b1 - b2, a1 - a2 - b1 + b2], axis=1) / 2,
        counts=tuple(count for count in (firsts, len(ordered) - firsts) if count),
    )
