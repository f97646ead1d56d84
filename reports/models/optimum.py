"""The chunk size that the law calls the best, beside the one that was measured to be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import newton

from reports.compare import Verdict, compare
from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit
from reports.models.resampling import TAILS

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A number and its 95% interval."""

    value: float
    low: float
    high: float


_NOWHERE = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Optimum:
    """The best chunk size at one length."""

    seq_len: int
    chunk_size: float
    """n*, where the law's latency is least. Infinite where the law knows no cost of larger chunks,
    0 where it knows none of smaller ones, NaN without a law: then `remark` says so, and there is no
    number to be shown."""
    low: float
    high: float
    """Its 95% interval; 0 and infinity as above."""
    measured: int
    """The chunk size with the lowest median at this length."""
    ties: tuple[int, ...]
    """The other chunk sizes that cannot be told from it: not clearly slower (`reports.compare`)."""
    remark: str = ""
    """What n* is not, as a sentence; empty if it lies among the measured chunk sizes."""


def optimum(law: ChunkLaw, seq_len: float) -> Interval:
    """n*(T): the chunk size with the lowest latency at a length, and its interval from the draws.

    The law's derivative in n is 0 where c·n³ = (d·T + b·r)·n + 2e·T. The right side starts above
    the left and meets it once: there is one positive n*. It is infinite where c is 0 and 0 where d,
    e and r are, and so may the ends of its interval be.
    """
    low, high = _percentiles(best_chunk(law.draws, seq_len, law.chunk_tokens))
    value = float(best_chunk(law.coefficients[None], seq_len, law.chunk_tokens)[0])
    return Interval(value, min(low, value), max(high, value))


def optima(rows: pd.DataFrame, law: ChunkLaw | Unfit) -> list[Optimum]:
    """n* of every length with a point that is ok, beside what was measured there.

    Args:
        rows: the rows that `law` was fitted to; those that are not ok take no part.
        law: what `chunk_law` said. Without a law n* is NaN, and the remark says why.
    """
    ok = rows[(rows["status"] == "ok") & (rows["latency_ms"] > 0) & rows["chunk_size"].notna()]
    found = []
    for T, of_length in ok.groupby("seq_len"):
        best = _NOWHERE if isinstance(law, Unfit) else optimum(law, int(T))
        fastest = of_length.loc[of_length["latency_ms"].idxmin()]
        ties = {
            int(row["chunk_size"])
            for _, row in of_length.iterrows()
            if row["chunk_size"] != fastest["chunk_size"]
            and compare(row, fastest).verdict is not Verdict.SLOWER
        }
        found.append(
            Optimum(
                int(T),
                best.value,
                best.low,
                best.high,
                int(fastest["chunk_size"]),
                tuple(sorted(ties)),
                _remark(best.value, int(T), law),
            )
        )
    return found


def exponent_along(law: ChunkLaw, lengths: Iterable[float]) -> Interval | Unfit:
    """The exponent with which the law's latency at n*(T) grows from the shortest of some lengths
    to the longest: d log t(T, n*(T)) / d log T, as a secant.

    It tends to 1.5 where c·T·n and d·T²/n are all there is, and is less by as much as the terms
    that no chunk size changes, a and b·T, are of the time. The exponent of the measured fastest
    chunk sizes is that of `growth` of the `best` curve.

    Args:
        lengths: at least two that differ.

    Returns:
        The exponent and its interval from the draws, or why there is no n*(T) to go along.

    Raises:
        ValueError: fewer than two lengths.
    """
    given = sorted(set(lengths))
    if len(given) < 2:
        raise ValueError(f"an exponent needs two lengths that differ, not {given}")
    ends = given[0], given[-1]
    first = best_chunk(law.coefficients[None], ends[0], law.chunk_tokens)
    if unfit := _endless(float(first[0])):
        return Unfit(unfit)
    low, high = _percentiles(_secant(law, law.draws, ends))
    value = float(_secant(law, law.coefficients[None], ends)[0])
    return Interval(value, min(low, value), max(high, value))


def best_chunk(coefficients: _Array, seq_len: float, chunk_tokens: float = 0.0) -> _Array:
    """n* of every row of coefficients, (B, 5), at one length: (B,). See `optimum`."""
    _, b, c, d, e = coefficients.T
    found = np.where(c > 0, 0.0, np.inf)
    smaller = d * seq_len + b * chunk_tokens, 2 * e * seq_len
    inside = (c > 0) & (smaller[0] + smaller[1] > 0)
    linear, constant = (cost[inside] / c[inside] for cost in smaller)
    if inside.any():
        # n³ - linear·n - constant is convex right of n* and positive at `above`, which is at most
        # twice n*: in units of it Newton walks down from 1, whatever the size of n*.
        above = np.sqrt(linear) + np.cbrt(constant)
        linear, constant = linear / above**2, constant / above**3
        found[inside] = above * newton(
            lambda u: u**3 - linear * u - constant,
            np.ones_like(above),
            lambda u: 3 * u**2 - linear,
            tol=1e-12,
        )
    return found


def _secant(law: ChunkLaw, coefficients: _Array, ends: tuple[float, float]) -> _Array:
    """The exponent between two lengths for every row of coefficients: (B,)."""
    logs = []
    for T in ends:
        # A chunk has at least one token and at most all; the few draws without an n* end there.
        best = np.clip(best_chunk(coefficients, T, law.chunk_tokens), 1, T)
        logs.append(np.log((law.terms(T, best) * coefficients).sum(axis=-1)))
    return np.asarray((logs[1] - logs[0]) / math.log(ends[1] / ends[0]))


def _percentiles(values: _Array) -> tuple[float, float]:
    """Ends of the middle 95%; each is one of the values, so that they may be infinite."""
    low, high = np.percentile(values, TAILS, method="inverted_cdf")
    return float(low), float(high)


def _endless(best: float) -> str:
    """Why an n* is no number, as a sentence; empty if it is one."""
    if math.isinf(best):
        return "the law finds no cost of larger chunks, so the largest is the best"
    return "" if best else "the law finds no cost of smaller chunks, so the smallest is the best"


def _remark(best: float, seq_len: int, law: ChunkLaw | Unfit) -> str:
    if isinstance(law, Unfit):
        return law.reason
    if sentence := _endless(best):
        return sentence
    smallest, largest = law.chunk_sizes[0], law.chunk_sizes[-1]
    if best > seq_len:
        return "n* is above the length: a single chunk is the best"
    if not smallest <= best <= largest:
        return f"n* lies outside the measured chunk sizes, {smallest} to {largest}"
    return ""
