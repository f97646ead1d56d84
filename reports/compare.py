"""Which of two latencies is lower, and when that may be said.

Points of one run take turns: in every round each is visited once. Whatever drifts meanwhile
(clocks, temperature, other load) hits both points of a round alike and cancels in the ratio of
their visits, so the interval of that ratio is the one to judge by: a drift would widen the interval
of either point, and could hide a difference that every single round shows.

Without enough rounds in common two medians are called different only where their 95% intervals do
not overlap. That is the cautious side: intervals that overlap a little may still belong to
different medians (Schenker and Gentleman, 2001).

Either way `UNCLEAR` does not mean equal, and a difference that the machine shows between two
measurements of one and the same point is never called one: `WITHIN_NOISE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import pandas as pd

from reports import units
from reports.intervals import Ratio, paired_ratio


class Verdict(StrEnum):
    """How a latency compares with a reference."""

    FASTER = "faster"
    SLOWER = "slower"
    UNCLEAR = "no clear difference"
    WITHIN_NOISE = "within the noise floor"
    TOO_FEW = "too few samples to tell"


@dataclass(frozen=True)
class Comparison:
    """One latency against a reference's."""

    ratio: float
    """How many times as long the reference took: above 1, this one is faster. That of the rounds in
    common (`intervals.paired_ratio`), or of the two medians."""
    verdict: Verdict
    interval: tuple[float, float] | None = None
    """95% interval of the ratio; None without enough rounds in common."""

    def __str__(self) -> str:
        if self.verdict not in (Verdict.FASTER, Verdict.SLOWER):
            return str(self.verdict)
        ratio, interval = self.ratio, self.interval
        if self.verdict is Verdict.SLOWER:
            ratio = 1 / ratio
            interval = interval and (1 / interval[1], 1 / interval[0])
        words = f"{units.factor(ratio)} {self.verdict}"
        return f"{words} {units.span(*interval)}" if interval else words


def compare(row: pd.Series, reference: pd.Series) -> Comparison:
    """Compare the latency of two rows that are ok and of one setting and length."""
    # A clock too coarse to see the call gives medians of zero: nothing can be said then.
    if not (row["latency_ms"] > 0 and reference["latency_ms"] > 0):
        return Comparison(float("nan"), Verdict.UNCLEAR)
    together = paired(row, reference)
    if together is not None:
        ratio, interval = together.ratio, (together.low, together.high)
        verdict = _verdict(together.low > 1, together.high < 1)
    else:
        ratio, interval = float(reference["latency_ms"] / row["latency_ms"]), None
        ends = [side[name] for side in (row, reference) for name in _ENDS]
        if any(pd.isna(end) for end in ends):
            return Comparison(ratio, Verdict.TOO_FEW)
        verdict = _verdict(
            row["latency_high_ms"] < reference["latency_low_ms"],
            row["latency_low_ms"] > reference["latency_high_ms"],
        )
    if verdict is not Verdict.UNCLEAR and max(ratio, 1 / ratio) - 1 <= row["noise_spread"]:
        verdict = Verdict.WITHIN_NOISE
    return Comparison(ratio, verdict, interval)


_ENDS = ("latency_low_ms", "latency_high_ms")


def _verdict(is_faster: bool, is_slower: bool) -> Verdict:
    if is_faster:
        return Verdict.FASTER
    return Verdict.SLOWER if is_slower else Verdict.UNCLEAR


def paired(row: pd.Series, reference: pd.Series) -> Ratio | None:
    """The ratio over the rounds that both took part in; None without enough of them."""
    # Of two devices that share a run, each has rounds of its own.
    if any(row[name] != reference[name] for name in ("file", "device")):
        return None
    common = set(row["rounds"]) & set(reference["rounds"])
    own, own_visits = _visits_of(row, common)
    other, other_visits = _visits_of(reference, common)
    # A clock too coarse for a single call gives no ratio.
    if not min([*own, *other], default=0.0) > 0:
        return None
    return paired_ratio(own, own_visits, other, other_visits)


def _visits_of(row: pd.Series, rounds: set[int]) -> tuple[list[float], list[int]]:
    """The samples that a row has from some rounds, and how many from each."""
    starts = accumulate(row["visits"], initial=0)
    found = [
        row["samples_ms"][start : start + count]
        for start, count, when in zip(starts, row["visits"], row["rounds"], strict=False)
        if when in rounds
    ]
    return [sample for visit in found for sample in visit], [len(visit) for visit in found]


def fastest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of every label and length the row with the lowest median: its fastest chunk size.

    Only rows that are ok take part: a fast wrong answer is none, and a throttled device no
    measure of an attention.

    Args:
        rows: rows of one setting.
    """
    ok = rows[rows["status"] == "ok"].sort_values(["latency_ms", "chunk_size"])
    return ok.drop_duplicates(["label", "seq_len"]).sort_values(["label", "seq_len"])


def reference_at(best: pd.DataFrame, seq_len: int) -> pd.Series | None:
    """Full attention at one length: its fastest row, or None where it has none.

    Args:
        best: what `fastest` returned.
    """
    full = best[(best["variant"] == "full") & (best["seq_len"] == seq_len)]
    return None if full.empty else full.loc[full["latency_ms"].idxmin()]
