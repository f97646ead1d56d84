"""Which chunk sizes are worth having: nothing else is as fast, as small and as close to full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Figures:
    """What a chunk size is judged by; each the less the better."""

    ratio: float
    """Latency over the fastest's. 1 for its ties too: what cannot be told apart is no difference
    to choose by."""
    workspace_bytes: int | None
    distance: float | None
    """To full attention. None, as of the workspace: not known, and worse than any that is."""


def front(figures: Mapping[int, Figures]) -> list[int]:
    """The chunk sizes on the Pareto front of latency, workspace and distance to full attention.

    One is on it unless another is at least as good in all three and better in one. Of those that
    are equal in all, all are.

    Args:
        figures: by chunk size.

    Returns:
        Ascending.
    """
    known = {n: _known(of) for n, of in figures.items()}
    return sorted(n for n, own in known.items() if not any(_beats(x, own) for x in known.values()))


def _known(of: Figures) -> tuple[float, float, float]:
    memory, distance = (inf if x is None else x for x in (of.workspace_bytes, of.distance))
    return of.ratio, memory, distance


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
