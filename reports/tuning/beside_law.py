"""What a chunk size takes beside the law: for a tail, and for what kernels make of it.

The law is smooth in n. Two things are not. Where n does not divide the length, the last chunk is
padded, all of it is computed, and a mask takes some kernels off their fastest path. And kernels cut
chunks into tiles, which some sizes fill better than others, at every length alike:

    log(measured / law at the padded length) = length + tail, if there is one + chunk size + error

A tail's effect is fixed and those of chunk sizes are random: a mixed model, solved by iterating
between its equations (Henderson, "Best Linear Unbiased Estimation and Prediction under a Selection
Model", Biometrics 31, 1975). One that was seen once, and is fast by chance, is believed less than
one that was seen at every length; and what all sizes with a tail have in common is the tail's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.runfile import Run
from reports.tuning.model import law_of, timed_rows

SWEEPS = 50
"""Of the iteration: enough for all effects to stand still."""

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class BesideLaw:
    """Factors of the law's latency, for any length."""

    tail: float
    """Where the chunk size does not divide the length; 1 where none did, or all."""
    sizes: dict[int, float]
    """By chunk size, of all that were measured, ascending."""


def padded(seq_len: _Array, chunk_size: _Array) -> _Array:
    """Lengths with their last chunks filled."""
    return np.asarray(np.ceil(seq_len / chunk_size) * chunk_size)


def beside_law(run: Run) -> tuple[ChunkLaw, BesideLaw] | Unfit:
    """The law of a tuning and what comes beside it, or why there is no law."""
    law = law_of(run)
    if isinstance(law, Unfit):
        return law
    rows = timed_rows(run)
    T = rows["seq_len"].to_numpy(np.float64)
    n = rows["chunk_size"].to_numpy(np.float64)
    logs = np.log(rows["latency_ms"].to_numpy(np.float64) / law.at(padded(T, n), n))
    return law, effects(logs, T, n)


def effects(logs: _Array, seq_len: _Array, chunk_size: _Array) -> BesideLaw:
    """Estimate the effects.

    Args:
        logs: (N,), logarithm of measured over law.
        seq_len, chunk_size: (N,), of each.
    """
    lengths = np.unique(seq_len, return_inverse=True)[1]
    sizes, own = np.unique(chunk_size, return_inverse=True)
    has_tail = (seq_len % chunk_size != 0).astype(float)
    known = 0 < has_tail.sum() < len(logs)
    counts, tail = np.bincount(own), 0.0
    of_length, of_size = np.zeros(lengths.max() + 1), np.zeros(len(sizes))
    for _ in range(SWEEPS):
        rest = logs - of_size[own] - tail * has_tail
        of_length = np.bincount(lengths, rest) / np.bincount(lengths)
        if known:
            rest = logs - of_size[own] - of_length[lengths]
            # Within each length: what all of it have in common is the length's.
            inside = has_tail - (np.bincount(lengths, has_tail) / np.bincount(lengths))[lengths]
            spread = float(inside @ inside)
            tail = float(inside @ rest) / spread if spread else 0.0
        rest = logs - of_length[lengths] - tail * has_tail
        of_size = _shrunk(rest, own, counts, len(logs) - len(of_length) - known)
    return BesideLaw(
        exp(tail), {int(n): exp(effect) for n, effect in zip(sizes, of_size, strict=True)}
    )


def _shrunk(rest: _Array, own: NDArray[np.intp], counts: NDArray[np.intp], freedom: int) -> _Array:
    """Predictions of the random effects of chunk sizes; their variance by the method of moments."""
    means = np.bincount(own, rest) / counts
    errors = rest - means[own]
    variance = float(errors @ errors) / max(1, freedom - len(counts) + 1)
    if len(counts) < 2:
        return np.zeros(len(counts))
    between = max(0.0, float(means.var(ddof=1)) - variance * float(np.mean(1 / counts)))
    if not between:
        return np.zeros(len(counts))
    return np.asarray(means * between / (between + variance / counts))
