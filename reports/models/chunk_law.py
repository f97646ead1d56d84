"""HATrick's law in the length T and the chunk size n, fitted to what was measured.

    t = a + b·T + c·T·n + d·T²/n + e·(T/n)²

is the sum of what the cost model counts: a fixed cost, projections and norms of every token, local
attention, tokens to chunks, and chunks to chunks. For any other attention with chunk sizes the same
terms say which of them it has: a window has no d and no e.

A chunk has projections of its own, too. By the cost model they are worth those of r tokens (about
one in HATrick), so b·T stands for b·(T + r·T/n). A sixth coefficient could not be told from d and e
over a small grid, and left out altogether their time would pass for d's and e's.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from reports import settings, units
from reports.models.growth import MAX_ERROR, Unfit
from reports.models.length_effects import SEED, fit
from reports.models.resampling import TAILS, log_deviations

TERMS = ("1", "T", "T·n", "T²/n", "(T/n)²")
MIN_CHUNKS = 3
MIN_LENGTHS = 4
SAME_FORM = 0.01
"""Largest deviation of the cost model's FLOPs from five terms and T/n at which a term of the law is
a term of the cost."""
VARIANCE_DRAWS = 200
"""Enough for a standard deviation to within 5%, which only weighs points."""

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class ChunkLaw:
    """The law of one label in one setting. Arrays of five are in the order of `TERMS`."""

    label: str
    coefficients: _Array
    """(5,), ms per unit of each term, none below 0."""
    low: _Array
    """(5,), lower ends of their 95% intervals; 0: the term cannot be told from none."""
    high: _Array
    """(5,), upper ends."""
    flops: _Array
    """(5,), FLOPs per unit of each term, of the cost model; NaN without it."""
    flops_error: float
    """Largest relative deviation of the five terms and T/n from the cost model's FLOPs; NaN without
    it."""
    chunk_tokens: float
    """r: how many tokens' projections a chunk's own are worth, by the cost model; 0 without it, or
    where its FLOPs are not of this form."""
    ceiling: float
    """FLOP/s of the device's fastest large matrix product; NaN where it was not measured."""
    error: float
    """Root mean square of log(measured / fitted)."""
    own_error: float
    """Standard deviation, relative, of what is a point's own part of that: noise, and what the law
    does not describe."""
    length_error: float
    """The same of what all points of one length share: the machine's drift between lengths, and
    what the law does not describe."""
    since: int
    until: int
    """Shortest and longest length that were fitted."""
    chunk_sizes: tuple[int, ...]
    """Those that were fitted, ascending."""
    rows: tuple[Hashable, ...]
    """The frame's index labels of the points that were fitted."""
    seq_len: _Array
    chunk_size: _Array
    measured: _Array
    """Of each of these points T, n and the median in ms."""
    draws: _Array
    """(B, 5): coefficients as likely as the data make them (`length_effects.fit`)."""

    @property
    def rates(self) -> _Array:
        """(5,), FLOP/s that each term reaches; NaN without a cost, and for a term that cannot be
        told from 0: its rate might be anything."""
        known = (self.low > 0) & (self.flops > 0)
        return np.where(known, 1000 * self.flops / np.where(known, self.coefficients, 1), np.nan)

    def at(self, seq_len: ArrayLike, chunk_size: ArrayLike) -> _Array:
        """The law's latency in ms; the two arguments are broadcast."""
        return np.asarray(self.terms(seq_len, chunk_size) @ self.coefficients)

    def terms(self, seq_len: ArrayLike, chunk_size: ArrayLike) -> _Array:
        """(..., 5): the terms at lengths and chunk sizes, which are broadcast."""
        return terms(seq_len, chunk_size, self.chunk_tokens)

    def shares(self, seq_len: ArrayLike, chunk_size: ArrayLike) -> _Array:
        """(..., 5): which share of the law's latency each term has; together 1."""
        parts = self.terms(seq_len, chunk_size) * self.coefficients
        return np.asarray(parts / parts.sum(axis=-1, keepdims=True))


def terms(seq_len: ArrayLike, chunk_size: ArrayLike, chunk_tokens: float = 0.0) -> _Array:
    """(..., 5): the terms of the law at lengths and chunk sizes, which are broadcast.

    Args:
        chunk_tokens: r, `ChunkLaw.chunk_tokens`.
    """
    T, n = np.broadcast_arrays(np.asarray(seq_len, float), np.asarray(chunk_size, float))
    return np.stack(
        [np.ones_like(T), T + chunk_tokens * T / n, T * n, T**2 / n, (T / n) ** 2], axis=-1
    )


def chunk_law(rows: pd.DataFrame) -> ChunkLaw | Unfit:
    """Fit the law by weighted non-negative least squares (`length_effects.fit`).

    Points that are not ok take no part, nor do chunk sizes above the length: a chunk that is not
    full costs less than the law says. The terms are much alike over a small grid; what cannot be
    told apart there has wide intervals. The draws' percentiles are the intervals. Simulated 1,000
    times each with HATrick's law on 10 lengths and 5 chunk sizes, errors of 3% or 5% a point (or
    of some points several times those of others) and length effects of 0%, 5% or 10%, they held the
    true coefficients of T, T·n and T²/n in 94.3% to 96.7%. With length effects of 10% and errors of
    1% that of T·n is too wide (99.7% of 300), on 5 lengths and 3 chunk sizes that of (T/n)²
    somewhat too narrow (91% of 300).

    Args:
        rows: rows of one setting (`reports.settings.split`) and one label.

    Returns:
        The law, or why there is none: too few points, or a fit so bad that it describes nothing.

    Raises:
        ValueError: the rows are of more than one setting or label.
    """
    settings.require_one(rows)
    if rows["label"].nunique() > 1:
        names = ", ".join(sorted(rows["label"].unique()))
        raise ValueError(f"these rows are of {names}; give the rows of one label")
    # Lengths that a refinement added share a drift: see `Curve.planned`.
    points = rows[(rows["status"] == "ok") & (rows["latency_ms"] > 0) & ~rows["refined"]]
    points = points[(points["chunk_size"] <= points["seq_len"]).fillna(False).astype(bool)]
    if lacking := _lacking(points):
        return Unfit(lacking)
    T = points["seq_len"].to_numpy(np.float64)
    n = points["chunk_size"].to_numpy(np.float64)
    measured = points["latency_ms"].to_numpy(np.float64)
    flops, chunk_tokens, flops_error = _flops(points, terms(T, n), T / n)
    design = terms(T, n, chunk_tokens)
    # Of two devices in one run each drifts by itself.
    lengths = points.groupby(["device", "seq_len"]).ngroup().to_numpy()
    found = fit(design, measured, lengths, _sampling(points))
    error = float(np.sqrt(np.mean(np.log(measured / (design @ found.coefficients)) ** 2)))
    if error > MAX_ERROR:
        return Unfit(
            f"a + b·T + c·T·n + d·T²/n + e·(T/n)² misses the points by {units.percent(error)} "
            f"(root mean square), above the {units.percent(MAX_ERROR)} up to which it would be "
            "drawn"
        )
    low, high = np.percentile(found.draws, TAILS, axis=0)
    return ChunkLaw(
        label=str(points["label"].iloc[0]),
        coefficients=found.coefficients,
        # The estimate is the best fit, the draws surround it: it is never left outside.
        low=np.minimum(low, found.coefficients),
        high=np.maximum(high, found.coefficients),
        flops=flops,
        flops_error=flops_error,
        chunk_tokens=chunk_tokens,
        ceiling=float(points["flops_ceiling"].max()),
        error=error,
        own_error=found.own_error,
        length_error=found.length_error,
        since=int(T.min()),
        until=int(T.max()),
        chunk_sizes=tuple(int(size) for size in np.unique(n)),
        rows=tuple(points.index),
        seq_len=T,
        chunk_size=n,
        measured=measured,
        draws=found.draws,
    )


def _lacking(points: pd.DataFrame) -> str:
    """What the points lack for a fit, as a sentence; empty if nothing."""
    chunks, lengths = points["chunk_size"].nunique(), points["seq_len"].nunique()
    if chunks < MIN_CHUNKS:
        return (
            f"a law in T and n needs {MIN_CHUNKS} chunk sizes that are no longer than the length "
            f"they ran at; there {_count(chunks)}"
        )
    if lengths < MIN_LENGTHS:
        return f"a law in T and n needs {MIN_LENGTHS} lengths; there {_count(lengths)}"
    if len(points) <= len(TERMS):
        return (
            f"a law of {len(TERMS)} terms needs {len(TERMS) + 1} points; there "
            f"{_count(len(points))}"
        )
    design = terms(points["seq_len"], points["chunk_size"].astype(float))
    if np.linalg.matrix_rank(design / np.linalg.norm(design, axis=0)) < len(TERMS):
        return "these lengths and chunk sizes do not tell the law's terms apart; measure more"
    return ""


def _count(number: int) -> str:
    return "is 1" if number == 1 else f"are {number or 'none'}"


def _sampling(points: pd.DataFrame) -> _Array:
    """The variance of each median's logarithm by how far the visits of its point lie apart."""
    samples = [np.asarray(ms, np.float64) for ms in points["samples_ms"]]
    deviations = log_deviations(
        samples, list(points["visits"]), np.random.default_rng(SEED), VARIANCE_DRAWS
    )
    return np.asarray(deviations.var(axis=0))


def _flops(points: pd.DataFrame, design: _Array, chunks: _Array) -> tuple[_Array, float, float]:
    """The cost model's FLOPs per unit of the five terms, those of T/n in tokens, and the worst
    deviation."""
    flops = points["flops"].astype("float64").to_numpy()
    if not (flops > 0).all():
        return np.full(len(TERMS), np.nan), 0.0, float("nan")
    relative = np.column_stack([design, chunks]) / flops[:, None]
    scale = np.linalg.norm(relative, axis=0)
    found = nnls(relative / scale, np.ones(len(flops)))[0]
    # Rounding leaves traces of terms that are not there.
    present = np.where((relative / scale * found).max(axis=0) > 1e-9, found / scale, 0.0)
    deviation = float(np.abs(relative @ present - 1).max())
    is_worth = present[1] > 0 and deviation <= SAME_FORM
    return present[:-1], float(present[-1] / present[1]) if is_worth else 0.0, deviation
