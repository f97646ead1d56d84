"""Claims about one label's choices: its chunk size, the hardware's share, speed for agreement."""

from __future__ import annotations

from math import inf, log

import pandas as pd

from reports import units
from reports.compare import Verdict, compare
from reports.models.chunk_law import ChunkLaw, chunk_law
from reports.models.claims import (
    REFERENCE,
    Claim,
    Scene,
    beyond,
    chunk_of,
    length,
    listed,
    ratio_in_words,
)
from reports.models.optimum import optimum
from reports.models.pareto import front
from reports.models.roofline import roofline

ROOFS = {"compute": "a large matrix product", "memory": "a large copy"}
"""What was measured in the same run, by the roof that is the lower one."""
DRIFT = 0.2
"""How far the machine's speed may have drifted between a ceiling and a point: both are single
figures of one run, taken at different times."""


def chunks(scene: Scene) -> Claim | None:
    """The best chunk size at both ends of the lengths, and where the fitted law has its own."""
    rows = scene.rows[scene.rows["label"] == scene.own]
    ok = rows[rows["status"] == "ok"]
    several = ok.groupby("seq_len")["chunk_size"].nunique() > 1
    lengths = [int(T) for T in several.index[several]]
    if not lengths:
        return None
    last = ok[ok["seq_len"] == lengths[-1]].sort_values("latency_ms")
    text = f"The best chunk size of {scene.own} is {_best_of(last) or _untold(last)}"
    first = _best_of(ok[ok["seq_len"] == lengths[0]].sort_values("latency_ms"))
    if first and len(lengths) > 1:
        text += f", and {first}"
    law = chunk_law(rows)
    if isinstance(law, ChunkLaw):
        text += _of_law(law)
    best, worst = last.iloc[0], last.iloc[-1]
    weight = beyond(compare(best, worst), best, worst)
    return Claim("chunks", f"{text}.", weight, "chunks", scene.variants(scene.own))


def _best_of(of_length: pd.DataFrame) -> str:
    """The best chunk size of one length, and those that cannot be told from it; empty where that
    is all the others.

    Args:
        of_length: the rows of one label and length, the fastest first.
    """
    best = of_length.iloc[0]
    others = of_length[of_length["chunk_size"] != best["chunk_size"]].sort_values("chunk_size")
    ties = [
        str(row["chunk_size"])
        for _, row in others.iterrows()
        if compare(best, row).verdict is not Verdict.FASTER
    ]
    if ties and len(ties) == len(others):
        return ""
    doubt = f" ({listed(ties)} cannot be told from it)" if ties else ""
    return f"{best['chunk_size']}{doubt} at T = {length(best['seq_len'])}"


def _untold(of_length: pd.DataFrame) -> str:
    best = of_length.iloc[0]
    lowest = f"the lowest median is that of n = {best['chunk_size']}"
    return f"not to be told at T = {length(best['seq_len'])} ({lowest})"


def _of_law(law: ChunkLaw) -> str:
    """Where the law has its minimum, beside the square root of T: at the shortest and the longest
    length at which that lies among the measured chunk sizes."""
    smallest, largest = law.chunk_sizes[0], law.chunk_sizes[-1]
    found = {int(T): optimum(law, T) for T in sorted(set(law.seq_len))}
    inside = [T for T, best in found.items() if smallest <= best.value <= largest]
    if not inside or found[inside[-1]].high == inf:
        return ""
    ends = dict.fromkeys((inside[0], inside[-1]))
    words = [
        f"{found[T].value:.3g} {units.span(found[T].low, found[T].high)} at T = {length(T)} "
        f"(√T = {T**0.5:.0f})"
        for T in ends
    ]
    return f"; the law fitted to all of them has its minimum at n = {' and '.join(words)}"


def hardware(scene: Scene) -> Claim | None:
    """What share of the device's roof each of the two reaches at `own`'s longest length."""
    T = scene.lengths(scene.own)[-1]
    at = [scene.at(label, T) for label in scene.labels() if T in scene.lengths(label)]
    shares = roofline(pd.DataFrame(at).astype(scene.rows.dtypes.to_dict()))
    if shares.empty or at[0].name not in shares.index:
        return None
    mine = shares.loc[at[0].name]
    text = (
        f"At T = {length(T)} {scene.own}{chunk_of(at[0])} runs at about "
        f"{units.percent(mine['share'])} "
        f"of the rate of {ROOFS[mine['bound']]} on this device"
    )
    if len(shares) > 1:
        theirs = shares.loc[at[1].name]
        bound = "" if theirs["bound"] == mine["bound"] else f" of that of {ROOFS[theirs['bound']]}"
        text += f", {scene.other} at {units.percent(theirs['share'])}{bound}"
    weight = max(0.0, -log(mine["share"]) - DRIFT)
    return Claim("hardware", f"{text}.", weight / 2, "roofline", scene.variants(*scene.labels()))


def agreement(scene: Scene) -> Claim | None:
    """Whether another label is both faster and closer to full attention, at the longest length.

    None where full attention itself is as fast: then there is nothing to trade.
    """
    T = scene.lengths(scene.own)[-1]
    at = scene.rows[(scene.rows["seq_len"] == T) & (scene.rows["status"] == "ok")]
    at = at[at["distance_to_full"].notna()]
    own = at[at["label"] == scene.own].sort_values("latency_ms")
    rivals = at[(at["label"] != scene.own) & (at["variant"] != REFERENCE)]
    if own.empty or rivals.empty:
        return None
    kept = [own.loc[index] for index in front(at) if index in own.index]
    where, variants = f"At T = {length(T)}", scene.variants(scene.own, *rivals["label"])
    if kept:
        sizes = [f"n = {row['chunk_size']}" for row in kept if pd.notna(row["chunk_size"])]
        named = f" ({listed(sizes)})" if sizes else ""
        text = (
            f"{where} nothing else is both faster and closer to full than {scene.own}{named}, by "
            "the medians."
        )
        return Claim("agreement", text, 0.0, "agreement", variants)
    beaten = [_beaten(row, rivals) for _, row in own.iterrows()]
    if not all(beaten):
        return None
    # Of its fastest chunk size: the one that the other claims speak of.
    words, weight = beaten[0]  # type: ignore[misc]
    return Claim("agreement", f"{where} {words}", weight, "agreement", variants)


def _beaten(row: pd.Series, rivals: pd.DataFrame) -> tuple[str, float] | None:
    """The rival that is closer to full and the most times as fast, clearly; None without one."""
    closer = rivals[rivals["distance_to_full"] <= row["distance_to_full"]]
    found = [(compare(rival, row), rival) for _, rival in closer.iterrows()]
    clear = [pair for pair in found if pair[0].verdict is Verdict.FASTER]
    if not clear:
        return None
    comparison, rival = max(clear, key=lambda pair: pair[0].ratio)
    distances = [units.distance(at["distance_to_full"]) for at in (rival, row)]
    faster = ratio_in_words(comparison, f"as fast as {row['label']}{chunk_of(row)}")
    words = (
        f"{rival['label']}{chunk_of(rival)} is {faster} and closer to full: distance "
        f"{distances[0]} against {distances[1]}."
    )
    return words, beyond(comparison, rival, row)
