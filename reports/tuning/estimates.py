"""How long each chunk size of a race takes, when most of them left it early.

log(latency) = chunk size + round + error, over the visits there were. What a round did to all is
known from those who took part in it, so one that was dropped in round 3 is held against one that
entered in round 5 through those that were in both. Errors that lie far out are clipped and the
noisier are judged by their own noise, as in `reports.tuning.sequential`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from reports.intervals import CONFIDENCE, Ratio
from reports.race import Contender
from reports.tuning.sequential import BEND, STEPS, deviation

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimates:
    """Of the chunk sizes of a race that were timed."""

    chunk_sizes: list[int]
    logs: _Array
    """(k,): logarithm of the latency in ms, in a round like the race's average."""
    covariance: _Array
    """(k, k), of `logs`; only that of differences means anything."""
    freedom: int
    """Degrees of freedom of the errors; 0: nothing is known of them."""

    def latency_ms(self, chunk_size: int) -> float:
        """The latency in a round like the race's average."""
        return float(np.exp(self.logs[self.chunk_sizes.index(chunk_size)]))

    def ratio(self, chunk_size: int, reference: int) -> Ratio:
        """One's latency over another's, with its 95% interval; 0 to infinity where nothing is
        known of the errors."""
        i, j = map(self.chunk_sizes.index, (chunk_size, reference))
        log = float(self.logs[i] - self.logs[j])
        if i == j:
            return Ratio(1.0, 1.0, 1.0)
        if not self.freedom:
            return Ratio(float(np.exp(log)), 0.0, np.inf)
        weights = np.zeros(len(self.logs))
        weights[i], weights[j] = 1.0, -1.0
        error = float(np.sqrt(weights @ self.covariance @ weights))
        width = float(stdtrit(self.freedom, (1 + CONFIDENCE) / 2)) * error
        return Ratio(*np.exp([log, log - width, log + width]).tolist())


def estimates(contenders: Sequence[Contender]) -> Estimates:
    """Fit the chunk sizes and the rounds of a race by least squares with clipped errors.

    Args:
        contenders: of one race; those without rounds take no part. Every sample is above 0.

    Raises:
        ValueError: none of them has rounds, or a sample is not above 0.
    """
    timed = [contender for contender in contenders if contender.rounds_ms]
    cells = [
        (i, contender.first_round + nth, float(np.median(samples)))
        for i, contender in enumerate(timed)
        for nth, samples in enumerate(contender.rounds_ms)
    ]
    if not cells or min(ms for *_, ms in cells) <= 0:
        raise ValueError(
            "no chunk size was timed"
            if not cells
            else "a latency is not above 0: the clock is too coarse for a single call"
        )
    owner = np.array([i for i, *_ in cells])
    rounds = np.unique([at for _, at, _ in cells], return_inverse=True)[1]
    values = np.log([ms for *_, ms in cells])
    k, m = len(timed), int(rounds.max()) + 1
    # The effects of rounds add up to 0: the chunk sizes' are those of an average round.
    effects = np.eye(m)[:, : m - 1] - np.eye(m)[:, m - 1 :]
    design = np.hstack([np.eye(k)[owner], effects[rounds]])
    solve = np.linalg.pinv(design)
    freedom = len(values) - int(np.linalg.matrix_rank(design))
    fitted, clipped = design @ (solve @ values), values
    scale = np.sqrt(len(values) / max(1, freedom))
    bound = np.full(len(values), np.inf)
    for _ in range(STEPS if freedom else 0):
        residual = values - fitted
        own = np.array([float(deviation(residual[owner == i])) for i in range(k)])
        bound = BEND * scale * np.maximum(float(deviation(residual)), own[owner])
        clipped = fitted + np.clip(residual, -bound, bound)
        fitted = design @ (solve @ clipped)
    squares = (clipped - fitted) ** 2
    inside = float(np.mean(np.abs(values - fitted) <= bound))
    own = np.array([squares[owner == i].mean() for i in range(k)])
    variance = scale**2 / inside**2 * np.maximum(squares.mean(), own)[owner]
    weighed = solve[:k] * np.sqrt(variance)
    return Estimates(
        [contender.chunk_size for contender in timed],
        (solve @ clipped)[:k],
        weighed @ weighed.T,
        freedom,
    )
