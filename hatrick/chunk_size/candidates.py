"""The chunk sizes that are worth trying at a length."""

from __future__ import annotations

LEAST = 16
"""Of a tensor core's tile, and of a CPU's vectors, a multiple of 16 wastes nothing."""


def candidates(seq_len: int) -> tuple[int, ...]:
    """Powers of two, and the one and a half times of them that are multiples of 16, up to the
    length: 16, 32, 48, 64, 96, 128, 192, …

    The latency is flat around its least: between two neighbours it changes by a few percent (the
    sum of a term that grows with n and one that falls with it is at most 4% above its least at 1.33
    times that n, and what does not depend on n dilutes it).

    Args:
        seq_len: T.

    Returns:
        Ascending; empty where T is below 16.
    """
    found = []
    power = LEAST
    while power <= seq_len:
        found += [size for size in (power, power * 3 // 2) if size % LEAST == 0 and size <= seq_len]
        power *= 2
    return tuple(found)
