"""Sliding-window attention by blocks of queries, each block one call of `hatrick.attend`.

The simple form, which every device, dtype and compiler can run and differentiate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hatrick.attend import attend
from variants.window_tiles import band, within

QUERY_BLOCK = 128


def window_blocks(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    left: int,
    right: int,
    valid: Tensor | None,
    backend: str,
) -> Tensor:
    """Blocks of queries, each with the keys from its first query's left end to its last query's
    right end. Blocks whose window lies within the sequence are one batch; the few at its ends see
    fewer keys and go one by one, so that no mask grows with the sequence.

    Args:
        q, k, v: `(batch, heads, seq_len, head_dim)`.
        left, right: less than seq_len.
        valid: bool `(batch, seq_len)`, False = no key for anyone.
        backend: one of `hatrick.attend`'s.

    Returns:
        `(batch, heads, seq_len, head_dim)`; zero for a query that sees no key.
    """
    seq_len = q.shape[2]
    block = min(QUERY_BLOCK, seq_len)
    inside = band(block, left, right, q.device)

    def at_an_end(start: int) -> Tensor:
        stop = min(start + block, seq_len)
        low, high = max(0, start - left), min(seq_len, stop + right)
        offset = low - (start - left)
        return attend(
            q[:, :, start:stop],
            k[:, :, low:high],
            v[:, :, low:high],
            keys=None if valid is None else valid[:, low:high],
            pairs=inside[: stop - start, offset : offset + high - low],
            backend=backend,
        )

    first, last = within(seq_len, left, right, block)
    parts = [at_an_end(start) for start in range(0, min(first, seq_len), block)]
    if first < last:
        parts.append(_within(q, k, v, left, right, valid, backend, first, last))
    parts += [at_an_end(start) for start in range(last, seq_len, block)]
    return torch.cat(parts, dim=2)


def _within(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    left: int,
    right: int,
    valid: Tensor | None,
    backend: str,
    first: int,
    last: int,
) -> Tensor:
    """The queries `first` to `last`, whose windows all lie within the sequence. Their keys and
    values are overlapping views, not copies."""
    batch, heads = q.shape[:2]
    block = min(QUERY_BLOCK, q.shape[2])
    window = left + block + right
    reach = slice(first - left, last + right)

    def windows(t: Tensor) -> Tensor:
        return t[:, :, reach].flatten(0, 1).unfold(1, window, block).transpose(-2, -1)

    pairs = band(block, left, right, q.device)
    if valid is not None:
        there = valid[:, reach].unfold(1, window, block)[:, None, :, None, :]
        pairs = pairs & there.expand(-1, heads, -1, -1, -1).flatten(0, 1)
    query = q[:, :, first:last].flatten(0, 1)
    query = query.view(batch * heads, -1, block, query.shape[-1])
    out = attend(query, windows(k), windows(v), pairs=pairs, backend=backend)
    return out.reshape(batch, heads, last - first, -1)
