"""Which of the candidates race, and in which order they enter: what the cost model knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.cost import model_cost
from hatrick.chunk_size.candidates import leaves_tail
from reports.race import Foreseen
from reports.schema import Point

FAR = 1.5
"""Times the least FLOPs: a larger chunk size that has more is not tried. Smaller ones always are:
what a chunk costs beside its FLOPs is the device's own."""


def flops_of(points: Sequence[Point]) -> dict[int, int]:
    """The cost model's FLOPs by chunk size; empty where it does not know all of them."""
    found: dict[int, int] = {}
    for point in points:
        assert point.chunk_size is not None
        try:
            cost = model_cost(point)
        except Exception:  # a plug-in's own code may raise anything
            cost = None
        if cost is None:
            return {}
        found[point.chunk_size] = cost.flops
    return found


def foreseen(flops: Mapping[int, int], far: float = FAR) -> list[Foreseen]:
    """Of the chunk sizes above the one with the least FLOPs those that have far more."""
    if not flops or not min(flops.values()):
        return []
    best = min(flops, key=lambda size: (flops[size], size))
    return [
        Foreseen(chunk_size=size, times_the_least=count / flops[best])
        for size, count in sorted(flops.items())
        if size > best and count > far * flops[best]
    ]


def first_wave(sizes: Sequence[int], seq_len: int) -> list[int]:
    """Powers of two and divisors of the length: far enough apart to see where the others are worth
    trying, and all that leave no tail."""
    found = [n for n in sizes if n & (n - 1) == 0 or not leaves_tail(seq_len, n)]
    return found or list(sizes)


def neighbours(sizes: Sequence[int], left: Sequence[int]) -> list[int]:
    """Of all sizes, those beside one that is left in the race: a latency has one valley, as far as
    the first wave can see."""
    ordered = sorted(sizes)
    beside = set()
    for size in left:
        at = ordered.index(size)
        beside |= set(ordered[max(0, at - 1) : at + 2])
    return sorted(beside - set(left))
