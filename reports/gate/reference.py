"""What an estimate over its standard error comes to by chance: a bootstrap of residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.gate.contrasts import Contrasts
from reports.gate.location import Location, lengthened, locate

_Array = NDArray[np.float64]

DRAWS = 20_000
"""With their mirror images twice as many: a probability of 0.1% is known to a sixth of it."""
LEAST_POOL = 32
"""Blocks to draw from. A pool of a few repeats itself, and has no tails."""


@dataclass(frozen=True)
class Reference:
    """Draws of (estimate - truth) / standard error, ascending; as many above 0 as below."""

    draws: _Array

    def chance(self, of: _Array) -> _Array:
        """The p-value of each: how probable it is by chance to be as large or larger.

        Never 0, as what was measured counts as one of the draws (Phipson and Smyth, "Permutation
        P-values Should Never Be Zero", Stat. Appl. Genet. Mol. Biol. 9, 2010).
        """
        above = len(self.draws) - np.searchsorted(self.draws, of, side="left")
        return np.asarray((1 + above) / (1 + len(self.draws)), dtype=np.float64)

    def quantile(self, tail: float) -> float:
        """What lies above this has a chance of at most `tail`, and the chance is larger below."""
        allowed = int(tail * (1 + len(self.draws)) + 1e-9) - 1
        return float(self.draws[len(self.draws) - 1 - max(allowed, 0)])


def residual_pool(
    points: Sequence[Contrasts], located: Sequence[Location], rng: np.random.Generator
) -> _Array:
    """The contrasts of all blocks of all points, each over its point's scale: (blocks, 3).

    Points differ in how noisy they are, and less in how often their noise is far out, of which one
    point alone says little. Effects are residuals; the only block of an order leaves none, and is
    left out. Up to `LEAST_POOL`, normal ones are added.

    Args:
        located: of each point, its estimate alone (N = 1).
    """
    blocks = [np.empty((0, 3))]
    for point, location in zip(points, located, strict=True):
        kept = np.repeat(point.counts, point.counts) > 1
        all_three = np.column_stack([lengthened(location, point.counts), point.nulls])
        blocks.append(all_three[kept] / location.scale[0])
    pool = np.concatenate(blocks)
    missing = max(0, LEAST_POOL - len(pool))
    return np.concatenate([pool, rng.standard_normal((missing, 3))])


def reference(pool: _Array, counts: Sequence[int], rng: np.random.Generator) -> Reference:
    """The bootstrap-t distribution of estimates from so many blocks.

    Davison and Hinkley, "Bootstrap Methods and their Application", 1997, sections 2.4 and 5.2, with
    whole blocks as the units that are drawn. Since the three contrasts of a block are exchangeable,
    and symmetric (`contrasts`), each drawn block has any of them for its effect, with either sign:
    the distribution is symmetric, and its tails are known better than from the effects alone.

    Args:
        pool: (blocks, 3), from `residual_pool`.
        counts: blocks of each order of turns.
    """
    shape = (DRAWS, sum(counts))
    drawn = pool[rng.integers(len(pool), size=shape)]
    place = rng.integers(3, size=shape)
    effect = np.take_along_axis(drawn, place[..., None], axis=2)[..., 0]
    squares = np.sum(drawn**2, axis=2) - effect**2
    location = locate(effect * rng.choice([-1.0, 1.0], size=shape), squares, counts)
    half = location.log / location.error
    return Reference(np.sort(np.concatenate([half, -half])))
