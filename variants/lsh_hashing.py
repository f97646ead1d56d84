"""The hash of LSH attention: vectors that point alike fall into one bucket.

Andoni et al., Practical and Optimal LSH for Angular Distance, NIPS 2015; as used by Reformer.
"""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK_ELEMENTS = 1 << 24
"""Products of tokens and buckets that are made at a time."""


def hash_buckets(
    qk: Tensor,
    *,
    chunk_size: int,
    rounds: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Angular LSH: the argmax over [xR; −xR] with R ~ N(0, 1), another R each round.

    There are ceil(seq_len / chunk_size) buckets, rounded up to an even number. All sequences and
    heads share R.

    Args:
        qk: `(batch, heads, seq_len, head_dim)`; gets no gradient from here.
        generator: draws R, on its own device; None: a generator with seed 0, so that the same
            input always falls into the same buckets. The global random state is never touched.

    Returns:
        int64 `(batch, heads, rounds, seq_len)`.
    """
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    half = -(-bucket_count(qk.shape[2], chunk_size) // 2)
    # Drawn in float32 and on the generator's device, so that every dtype and device that is given
    # the same generator hashes with the same R.
    rotations = torch.randn(
        rounds, qk.shape[3], half, generator=generator, device=generator.device
    ).to(qk)
    # A product for every token and bucket would be the largest tensor of the whole attention.
    block = max(1, BLOCK_ELEMENTS // (qk.shape[0] * qk.shape[1] * half))
    with torch.no_grad():
        per_round = [
            torch.cat([_argmax(part @ rotation, half) for part in qk.split(block, dim=2)], dim=2)
            for rotation in rotations
        ]
        return torch.stack(per_round, dim=2)


def _argmax(rotated: Tensor, half: int) -> Tensor:
    """The argmax over [rotated; −rotated], `(…, half)`, without building it."""
    high, at_high = rotated.max(dim=-1)
    low, at_low = rotated.min(dim=-1)
    return torch.where(high >= -low, at_high, at_low + half)


def bucket_count(seq_len: int, chunk_size: int) -> int:
    """Buckets a round: one a chunk, and an even number of them."""
    chunks = -(-seq_len // chunk_size)
    return chunks + chunks % 2
