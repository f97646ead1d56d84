"""The chunk sizes that are worth trying at a length."""

from __future__ import annotations

LEAST = 16
"""Of a tensor core's tile, and of a CPU's vectors, a multiple of 16 wastes nothing."""
NEAR = 1.2
"""A divisor of the length is tried beside a chunk size that is none, where it is as near."""


def candidates(seq_len: int) -> tuple[int, ...]:
    """Powers of two, and one and a half times them, that are multiples of 16, up to the length: 16,
    32, 48, 64, 96, 128, 192, …; and beside those that do not divide the length the nearest that
    does, since a last chunk that is not full is padded, and masked.

    That is close enough: a sum of a term that grows with n and one that falls with it is at most 2%
    above its least at 1.23 times that n, half-way between two of these, and what does not depend on
    n dilutes it.

    Args:
        seq_len: T.

    Returns:
        Ascending; empty where T is below 16.
    """
    found = set()
    power = LEAST
    while power <= seq_len:
        found |= {size for size in (power, power * 3 // 2) if size % LEAST == 0 and size <= seq_len}
        power *= 2
    return tuple(sorted(found | {_divisor_near(size, seq_len) for size in found}))


def leaves_tail(seq_len: int, chunk_size: int) -> bool:
    """Whether the last chunk is not full."""
    return seq_len % chunk_size != 0


def _divisor_near(size: int, seq_len: int) -> int:
    """The nearest divisor of a length, by ratio, that is a chunk size to try; itself without."""
    reach = range(max(LEAST, int(size / NEAR)), min(seq_len, int(size * NEAR)) + 1)
    divisors = [other for other in reach if not leaves_tail(seq_len, other)]
    return min(
        divisors, key=lambda other: (max(other, size) / min(other, size), other), default=size
    )
