"""What a setting's figures say, in words; every word of it comes from the data."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reports import units
from reports.compare import Verdict, compare, fastest, reference_at
from reports.palette import styles
from reports.statuses import outcomes

DOUBTS = {
    Verdict.SLOWER: "round by round it is slower than",
    Verdict.UNCLEAR: "there is no clear difference to",
    Verdict.WITHIN_NOISE: "the noise floor is as large as its difference to",
    Verdict.TOO_FEW: "there are too few samples to set it apart from",
}
"""Why the lowest median need not be the fastest attention."""


@dataclass(frozen=True)
class AtLength:
    """How one label compares with full attention at one length."""

    seq_len: int
    verdict: Verdict | None
    """None where one of the two has no figure."""
    text: str


@dataclass(frozen=True)
class Series:
    """How one label compares with full attention over the lengths."""

    label: str
    lengths: list[AtLength]

    def __str__(self) -> str:
        """The lengths from which on it is faster throughout, or that there are none."""
        compared = [at for at in self.lengths if at.verdict is not None]
        if not compared:
            why = "; ".join(dict.fromkeys(at.text for at in self.lengths))
            return f"There is no length at which both {self.label} and full gave a figure: {why}."
        longest = compared[-1]
        if longest.verdict is not Verdict.FASTER:
            where = f"at T = {units.tokens(longest.seq_len)}, the longest both ran"
            return f"{self.label} against full {where}: {longest.text}."
        since = longest
        for at in reversed(compared):
            if at.verdict is not Verdict.FASTER:
                break
            since = at
        if since is longest:
            return (
                f"{self.label} is {longest.text} than full at "
                f"T = {units.tokens(longest.seq_len)}, the longest both ran."
            )
        return (
            f"{self.label} is faster than full at every length both ran from "
            f"T = {units.tokens(since.seq_len)} on: {longest.text} at "
            f"T = {units.tokens(longest.seq_len)}."
        )


def against_full(rows: pd.DataFrame, variant: str = "hatrick") -> list[Series]:
    """How each label of a variant compares with the fastest full attention, length by length.

    Args:
        rows: rows of one setting.

    Returns:
        One `Series` a label; none if the variant or full attention was not measured.
    """
    if "full" not in set(rows["variant"]):
        return []
    best = fastest(rows)
    own = rows[rows["variant"] == variant]
    lengths = sorted(set(rows["seq_len"]))
    return [
        Series(label, [_at(rows, best, label, seq_len) for seq_len in lengths])
        for label in styles(own)
    ]


def fastest_at_longest(rows: pd.DataFrame) -> str:
    """Which attention is the fastest at the longest length, and whether that is beyond doubt.

    Args:
        rows: rows of one setting.
    """
    longest = int(rows["seq_len"].max())
    start = f"At T = {units.tokens(longest)}, the longest,"
    at = fastest(rows)[lambda best: best["seq_len"] == longest].sort_values("latency_ms")
    # Brackets inside brackets are hard to read.
    absent = [
        f"{label} ({_why_none(rows, label, longest).replace(' (predicted)', ', predicted')})"
        for label in styles(rows)
        if label not in set(at["label"])
    ]
    ending = f" No figure there from {_listed(absent)}." if absent else ""
    if at.empty:
        return f"{start} nothing was measured.{ending}"
    first = at.iloc[0]
    named = f"{first['label']}{_chunk(first)} took {units.duration(first['latency_ms'])}"
    if len(at) == 1:
        return f"{start} only {named}.{ending}"
    others = [(row["label"], compare(first, row).verdict) for _, row in at.iloc[1:].iterrows()]
    doubts = []
    for verdict, words in DOUBTS.items():
        if labels := [label for label, found in others if found is verdict]:
            doubts.append(f"{words} {_listed(labels)}")
    if doubts:
        return f"{start} {named}, the lowest median, but {' and '.join(doubts)}.{ending}"
    return f"{start} {named}: the fastest of {len(at)}.{ending}"


def _at(rows: pd.DataFrame, best: pd.DataFrame, label: str, seq_len: int) -> AtLength:
    own = best[(best["label"] == label) & (best["seq_len"] == seq_len)]
    reference = reference_at(best, seq_len)
    if own.empty:
        return AtLength(seq_len, None, f"{label}: {_why_none(rows, label, seq_len)}")
    if reference is None:
        full = rows.loc[rows["variant"] == "full", "label"].iloc[0]
        return AtLength(seq_len, None, f"full: {_why_none(rows, full, seq_len)}")
    comparison = compare(own.iloc[0], reference)
    return AtLength(seq_len, comparison.verdict, str(comparison))


def _why_none(rows: pd.DataFrame, label: str, seq_len: int) -> str:
    """Why a label has no figure at a length."""
    at = rows[(rows["label"] == label) & (rows["seq_len"] == seq_len)]
    return outcomes(at) or "not measured"


def _chunk(row: pd.Series) -> str:
    return "" if pd.isna(row["chunk_size"]) else f" (chunk {row['chunk_size']})"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
