"""From which length one attention is faster than another, with a 95% interval.

The two are compared by the ratio of their latencies in the rounds that they shared
(`reports.models.ratios`), smoothed over T (`reports.models.ratio_curve`). A crossover lies where
the curve's sign turns, and its interval is where the sign is not known with 95% confidence: the
band of the curve is read from the side, as in calibration (Draper and Smith, "Applied Regression
Analysis", 3rd ed. 1998, section 3.2). So an interval has a bounded width only where each of the two
is clearly faster on its side, and where curves run together there is none.

In simulations of power laws with fixed costs (6, 10 and 12 lengths, 5 to 11 rounds, drifts of 10%
from round to round and from length to length, visits that scatter by 2 to 12%, and effects of
single lengths as the prior of `ratio_curve` has them) the interval held the true crossover in 94.0
to 95.5% of 1000 runs each. With effects of one size (8 rounds, 300 runs each) it was 93 to 96%
where they were 5%, and 97 to 100% where they were 2% or there were none: few lengths cannot tell
which it is, and the interval allows for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from reports import units
from reports.intervals import CONFIDENCE
from reports.models.curves import BEST, Chunk, Curve, curves
from reports.models.ratio_curve import RatioCurve, ratio_curve
from reports.models.ratios import log_ratios

_SURE = float(ndtri((1 + CONFIDENCE) / 2))


@dataclass(frozen=True)
class Crossover:
    """`faster` overtakes `slower` at a length, and is faster beyond, up to the next crossover."""

    faster: str
    slower: str
    """Labels."""
    faster_chunk: Chunk
    slower_chunk: Chunk
    seq_len: float
    low: float
    high: float
    """Estimate and 95% interval, tokens. It ends where either is clearly faster."""
    shortest: float
    longest: float
    """Ends of the lengths that both were measured at, tokens."""

    @property
    def width(self) -> float:
        """Of the interval, relative to the estimate."""
        return (self.high - self.low) / self.seq_len

    def __str__(self) -> str:
        names = (named(self.faster, self.faster_chunk), named(self.slower, self.slower_chunk))
        return f"{names[0]} overtakes {names[1]} from T = {self.where()}"

    def where(self) -> str:
        """Estimate and interval: `3,100 (2,800 to 3,500)`."""
        return f"{_about(self.seq_len)} ({_about(self.low)} to {_about(self.high)})"


@dataclass(frozen=True)
class NoCrossover:
    """Two curves of which neither is seen to overtake the other."""

    first: str
    second: str
    """Labels."""
    first_chunk: Chunk
    second_chunk: Chunk
    reason: str
    """What is seen instead, and where."""

    def __str__(self) -> str:
        names = (named(self.first, self.first_chunk), named(self.second, self.second_chunk))
        return f"{names[0]} and {names[1]}: {self.reason}"


def named(label: str, chunk: Chunk) -> str:
    """A curve in words: `hatrick (n = 64)`; without a chunk size, or at the fastest of every
    length, the label alone."""
    return label if chunk in (None, BEST) else f"{label} (n = {chunk})"


def crossover(one: Curve, other: Curve) -> list[Crossover] | NoCrossover:
    """Where two curves of latencies cross, shorter lengths first.

    Of curves through the fastest chunk size of every length, that is the one with the lowest
    median: that another might be as fast is not part of the interval.

    Args:
        one, other: of one setting.

    Raises:
        ValueError: a curve that is not of latencies.
    """
    # It is one fit, whichever is named first.
    found = _crossover(*sorted((one, other), key=lambda curve: (curve.label, str(curve.chunk))))
    if isinstance(found, NoCrossover):
        return _none(one, other, found.reason)
    return list(found)


@lru_cache(maxsize=1024)  # charts, tables and sentences all ask for the same few pairs
def _crossover(one: Curve, other: Curve) -> tuple[Crossover, ...] | NoCrossover:
    ratios = log_ratios(one, other)
    if len(ratios.seq_len) < 2:
        count = "no length" if ratios.seq_len.size == 0 else "one length"
        return _none(one, other, f"they have {count} with enough rounds in common; 2 are needed")
    curve = ratio_curve(ratios)
    clear = np.where(np.abs(curve.score) > _SURE, np.sign(curve.score), 0)
    found = []
    for before, after in pairwise(np.flatnonzero(clear).tolist()):
        if clear[before] != clear[after]:
            first_overtakes = clear[after] > 0
            faster, slower = (one, other) if first_overtakes else (other, one)
            found.append(
                Crossover(
                    faster=faster.label,
                    slower=slower.label,
                    faster_chunk=faster.chunk,
                    slower_chunk=slower.chunk,
                    seq_len=_turn(curve, before, after),
                    low=_reaches(curve, before, clear[before] * _SURE),
                    high=_reaches(curve, after - 1, clear[after] * _SURE),
                    shortest=float(ratios.seq_len[0]),
                    longest=float(ratios.seq_len[-1]),
                )
            )
    return tuple(found) or _none(one, other, _reason(one, other, curve, clear))


def crossovers(
    frame: pd.DataFrame, chunk: Literal["best", "each"] = "best"
) -> list[Crossover | NoCrossover]:
    """The crossovers of every pair of labels.

    Args:
        frame: rows of one setting (`reports.settings.split`).
        chunk: `best`: each label at the fastest chunk size of every length. `each`: every pair of
            curves at one and the same chunk size, or of which one has none.

    Raises:
        ValueError: the frame holds more than one setting.
    """
    found: list[Crossover | NoCrossover] = []
    for one, other in combinations(curves(frame, "latency", chunk), 2):
        comparable = one.chunk == other.chunk or None in (one.chunk, other.chunk)
        if one.label != other.label and comparable:
            result = crossover(one, other)
            found += [result] if isinstance(result, NoCrossover) else result
    return found


def _turn(curve: RatioCurve, before: int, after: int) -> float:
    """Where the sign turns between two points; the middle one of several places."""
    signs = curve.score[before : after + 1] > 0
    places = before + np.flatnonzero(signs[:-1] != signs[1:])
    return float(np.median([_reaches(curve, int(place), 0.0) for place in places]))


def _reaches(curve: RatioCurve, place: int, score: float) -> float:
    """The length between two neighbouring points at which the curve has a score, tokens."""
    scores, logs = curve.score[place : place + 2], np.log(curve.seq_len[place : place + 2])
    order = np.argsort(scores)
    return float(np.exp(np.interp(score, scores[order], logs[order])))


def _none(one: Curve, other: Curve, reason: str) -> NoCrossover:
    return NoCrossover(one.label, other.label, one.chunk, other.chunk, reason)


def _reason(one: Curve, other: Curve, curve: RatioCurve, clear: NDArray[np.float64]) -> str:
    """What two curves do that do not cross."""
    ends = units.tokens(round(curve.seq_len[0])), units.tokens(round(curve.seq_len[-1]))
    if not clear.any():
        return f"cannot be told apart from T = {ends[0]} to {ends[1]}"
    winner = one if clear.max() > 0 else other
    faster = f"{named(winner.label, winner.chunk)} is faster"
    if clear.all():
        return (
            f"not within the measured range: {faster} at every length from {ends[0]} to {ends[1]}"
        )
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.abs(clear), [0]])))
    spans = [
        f"{_end(curve, start)} to {_end(curve, stop - 1)}"
        for start, stop in edges.reshape(-1, 2).tolist()
    ]
    return (
        f"none is seen: {faster} from T = {' and from '.join(spans)}; elsewhere they cannot be "
        "told apart"
    )


def _end(curve: RatioCurve, place: int) -> str:
    """An end of a span of lengths: a measured one as it is, others rounded."""
    T = float(curve.seq_len[place])
    is_measured = place in (0, len(curve.seq_len) - 1)
    return units.tokens(round(T)) if is_measured else _about(T)


def _about(seq_len: float) -> str:
    """A length with three significant digits: `3,100`."""
    return f"{float(f'{seq_len:.3g}'):,.0f}"
