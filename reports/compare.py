"""Which of two latencies is lower, and when that may be said.

Two medians are called different only where their 95% intervals do not overlap. That is the
cautious side: intervals that overlap a little may still belong to different medians (Schenker and
Gentleman, 2001), so `UNCLEAR` does not mean equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from reports import units


class Verdict(StrEnum):
    """How a latency compares with a reference."""

    FASTER = "faster"
    SLOWER = "slower"
    UNCLEAR = "no clear difference"
    TOO_FEW = "too few samples to tell"


@dataclass(frozen=True)
class Comparison:
    """One latency against a reference's."""

    ratio: float
    """The reference's median over this one's: above 1, this one is faster."""
    verdict: Verdict

    def __str__(self) -> str:
        if self.verdict is Verdict.FASTER:
            return f"{units.factor(self.ratio)} faster"
        if self.verdict is Verdict.SLOWER:
            return f"{units.factor(1 / self.ratio)} slower"
        return str(self.verdict)


def compare(row: pd.Series, reference: pd.Series) -> Comparison:
    """Compare the latency of two rows that are ok and of one setting and length."""
    # A clock too coarse to see the call gives medians of zero: nothing can be said then.
    if not (row["latency_ms"] > 0 and reference["latency_ms"] > 0):
        return Comparison(float("nan"), Verdict.UNCLEAR)
    ratio = float(reference["latency_ms"] / row["latency_ms"])
    ends = [
        side[name] for side in (row, reference) for name in ("latency_low_ms", "latency_high_ms")
    ]
    if any(pd.isna(end) for end in ends):
        return Comparison(ratio, Verdict.TOO_FEW)
    if row["latency_high_ms"] < reference["latency_low_ms"]:
        return Comparison(ratio, Verdict.FASTER)
    if row["latency_low_ms"] > reference["latency_high_ms"]:
        return Comparison(ratio, Verdict.SLOWER)
    return Comparison(ratio, Verdict.UNCLEAR)


def fastest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of every label and length the row with the lowest median: its fastest chunk size.

    Only rows that are ok take part: a fast wrong answer is none.

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
