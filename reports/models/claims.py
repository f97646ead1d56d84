"""What a claim is, and what the claims about one setting speak of."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal

import pandas as pd

from reports import units
from reports.compare import Comparison, fastest

SUBJECT, REFERENCE = "hatrick", "full"
"""The variants that claims are about where a setting has them."""

Kind = Literal[
    "speed",
    "growth",
    "workspace",
    "limit",
    "chunks",
    "hardware",
    "agreement",
    "failures",
    "devices",
]
Chart = Literal["scaling", "memory", "chunks", "roofline", "agreement", "failures"]


@dataclass(frozen=True)
class Claim:
    """One thing that the figures say, before it is known whether it is worth saying first."""

    kind: Kind
    text: str
    weight: float
    """How large and how certain: the logarithm of the factor that it is about, at the end of its
    interval that is nearer to none. 0 where it cannot be told, or is no factor."""
    chart: Chart
    variants: tuple[str, ...]
    """The variants it speaks of."""


@dataclass(frozen=True)
class Scene:
    """The rows of one setting, and the two labels that are held against each other."""

    rows: pd.DataFrame
    best: pd.DataFrame
    """`reports.compare.fastest` of the rows."""
    own: str
    """HATrick's label, else the fastest at the longest length."""
    other: str | None
    """Full attention's, else the next; None where there is one label alone."""

    def labels(self) -> list[str]:
        """Both, or the one there is."""
        return [self.own] if self.other is None else [self.own, self.other]

    def lengths(self, *labels: str) -> list[int]:
        """The lengths at which all of these labels are ok, ascending."""
        sets = [set(self.best.loc[self.best["label"] == label, "seq_len"]) for label in labels]
        return sorted(int(T) for T in set.intersection(*sets))

    def at(self, label: str, seq_len: int) -> pd.Series:
        """The fastest row of a label at a length that is one of its `lengths`."""
        best = self.best
        return best[(best["label"] == label) & (best["seq_len"] == seq_len)].iloc[0]

    def variants(self, *labels: str) -> tuple[str, ...]:
        """The variants of labels, each once."""
        variant_of = dict(zip(self.rows["label"], self.rows["variant"], strict=True))
        return tuple(dict.fromkeys(variant_of[label] for label in labels))


def scene(rows: pd.DataFrame) -> Scene | None:
    """What the claims about one setting speak of; None where no point of it is ok.

    HATrick against full attention. Where several labels are of one of these (two numbers of rounds,
    two backends), the one that got farthest, and of those the fastest there; where one is missing,
    of all other labels.
    """
    best = fastest(rows)
    if best.empty:
        return None
    farthest = best.sort_values(["seq_len", "latency_ms"], ascending=[False, True])
    ranked = farthest.drop_duplicates("label")[["label", "variant"]]
    own = _first(ranked[ranked["variant"] == SUBJECT])
    if own is None:
        own = _first(ranked[ranked["variant"] != REFERENCE]) or ranked["label"].iloc[0]
    others = ranked[ranked["label"] != own]
    other = _first(others[others["variant"] == REFERENCE]) or _first(others)
    return Scene(rows, best, own, other)


def _first(ranked: pd.DataFrame) -> str | None:
    return None if ranked.empty else str(ranked["label"].iloc[0])


def beyond(comparison: Comparison, row: pd.Series, reference: pd.Series) -> float:
    """The logarithm of a ratio of latencies at the end of its interval that is nearer to 1.

    0 where the interval includes 1. Without rounds in common, of the ends of both medians'
    intervals that are nearest to each other.
    """
    if comparison.interval is not None:
        low, high = comparison.interval
    else:
        low = reference["latency_low_ms"] / row["latency_high_ms"]
        high = reference["latency_high_ms"] / row["latency_low_ms"]
    if not (low > 0 and high > 0):  # NaN too: there is no interval
        return 0.0
    return float(max(0.0, log(low), -log(high)))


def chunk_of(row: pd.Series) -> str:
    """The chunk size of a row behind a length: ` (n = 64)`, or nothing."""
    return "" if pd.isna(row["chunk_size"]) else f" (n = {row['chunk_size']})"


def length(seq_len: float) -> str:
    """A length in prose: `8,192`; an estimated one with three digits, `1,930`."""
    return f"{seq_len:,.0f}"


def about(value: float, low: float, high: float) -> str:
    """An estimated length with its interval, each with three digits: `1,930 (1,870–2,010)`."""
    rounded = (float(f"{number:.3g}") for number in (value, low, high))
    middle, *ends = map(length, rounded)
    return f"{middle} ({ends[0]}–{ends[1]})"


def power(exponent: float, low: float, high: float) -> str:
    """A growth with the exponent's interval: `T^1.31 (1.25–1.38)`."""
    return f"T^{exponent:.2f} ({low:.2f}–{high:.2f})"


def ratio_in_words(comparison: Comparison, word: str) -> str:
    """A ratio with its interval where it has one: `6.10× (5.90–6.31) as fast`."""
    interval = f"{units.span(*comparison.interval)} " if comparison.interval else ""
    return f"{units.factor(comparison.ratio)} {interval}{word}"


def inverse(comparison: Comparison) -> Comparison:
    """The same comparison seen from the reference."""
    interval = comparison.interval and (1 / comparison.interval[1], 1 / comparison.interval[0])
    return Comparison(1 / comparison.ratio, comparison.verdict, interval)


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
