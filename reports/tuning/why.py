"""Why the best chunk size lies where it does: which term of the cost is in the way on each side."""

from __future__ import annotations

from collections.abc import Mapping

from reports import units
from reports.models.growth import Unfit
from reports.tuning.model import Curve

FLAT = 0.1
"""Latencies within this of the fastest are not clearly slower in practice."""
EXPLAINED = 0.5
"""Share of what was measured that the curve must have too, to be what explains it."""


def why(curve: Curve | Unfit, ratios: Mapping[int, float], fastest: int) -> str:
    """Such as `below 64 what each chunk costs, above 256 the T·n term`.

    Where it gets slow is measured; the model names the term that grows most on the way there. A
    side on which nothing slower was measured, or on which the model has not even half of what was,
    is left out.

    Args:
        ratios: latency over the fastest's of every chunk size that was timed.
        fastest: one of them.

    Returns:
        Empty where no side can be explained.
    """
    flat = [n for n, ratio in ratios.items() if ratio <= 1 + FLAT]
    if len(flat) == len(ratios):
        inside = f"{min(flat)} to {max(flat)}"
        return f"from {inside} nothing is {units.percent(FLAT)} slower" if len(flat) > 1 else ""
    if isinstance(curve, Unfit):
        return ""
    said = []
    for side, sizes in (
        ("below", sorted((n for n in ratios if n < fastest), reverse=True)),
        ("above", sorted(n for n in ratios if n > fastest)),
    ):
        slow = next((n for n in sizes if n not in flat), None)
        if slow is None:
            continue
        before = [fastest, *sizes][sizes.index(slow)]
        if name := _grows(curve, fastest, slow, ratios[slow] - 1):
            said.append(f"{side} {before} {name}")
    return ", ".join(said)


def _grows(curve: Curve, fastest: int, slow: int, measured: float) -> str:
    """The term that grows most from the fastest chunk size to one that is slower by a share."""
    growth = dict.fromkeys(curve.terms, 0.0)
    for name, (c, k) in zip(curve.terms, curve.parts, strict=True):
        growth[name] += c * (slow**k - fastest**k)
    most = max(growth, key=growth.__getitem__)
    explained = sum(growth.values()) / curve.at(fastest)
    if growth[most] <= 0 or explained < EXPLAINED * measured:
        return ""
    return most if " " in most else f"the {most} term"
