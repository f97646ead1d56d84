"""The plainest dense attention there is, by which the fast paths are judged.

Everything here is one formula, `softmax(scale · QKᵀ + log C) V`, where `C[i, j]` counts how often
query i sees key j: 0 or 1 for full and sliding-window attention, any number for LSH, whose rounds
may show a key several times. This module imports nothing but torch and shares no code with a fast
path. With `rows` only those queries are computed, so that a long sequence can be checked on a
sample of its outputs, exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def positions(seq_len: int, rows: Tensor | None, device: torch.device) -> Tensor:
    """`rows`, or every position: int64 `(R,)`."""
    return torch.arange(seq_len, device=device) if rows is None else rows.to(device)


def without_padding(x: Tensor, key_padding_mask: Tensor | None) -> Tensor:
    """Zeros where a `(batch, seq_len, dim)` or `(batch, heads, seq_len, d)` tensor is padded."""
    if key_padding_mask is None:
        return x
    padded = key_padding_mask[:, :, None] if x.dim() == 3 else key_padding_mask[:, None, :, None]
    return torch.where(padded, 0.0, x)


def full_counts(seq_len: int, causal: bool, rows: Tensor) -> Tensor:
    """C of full attention: `(R, seq_len)`."""
    key = torch.arange(seq_len, device=rows.device)
    return key <= rows[:, None] if causal else torch.ones_like(key <= rows[:, None])


def window_counts(seq_len: int, left: int, right: int, rows: Tensor) -> Tensor:
    """C of a sliding window: query i sees i − left ≤ j ≤ i + right. `(R, seq_len)`."""
    key = torch.arange(seq_len, device=rows.device)
    return (key >= rows[:, None] - left) & (key <= rows[:, None] + right)


def lsh_counts(
    buckets: Tensor,
    rows: Tensor,
    *,
    chunk_size: int,
    causal: bool,
    wrap: str,
    key_padding_mask: Tensor | None = None,
) -> Tensor:
    """C of LSH attention (Kitaev et al. 2020, section 2), `(batch, heads, R, seq_len)`.

    Args:
        buckets: int64 `(batch, heads, rounds, seq_len)`.
        wrap: what the first chunk of a round looks back at: `flat` the last chunk of the round
            before (of the last round for the first), `round` the last of its own, `none` nothing.
        key_padding_mask: bool `(batch, seq_len)`; padding sorts behind everything else.
    """
    batch, heads, rounds, seq_len = buckets.shape
    last = -(-seq_len // chunk_size) - 1
    if key_padding_mask is not None:
        padded = key_padding_mask[:, None, None, :]
        buckets = torch.where(padded, buckets.max() + 1, buckets)
    place = buckets.sort(dim=-1, stable=True).indices.argsort(dim=-1)
    chunk = place // chunk_size  # (batch, heads, rounds, seq_len)

    counts = torch.zeros(batch, heads, len(rows), seq_len, dtype=torch.int64, device=rows.device)
    for r in range(rounds):
        mine = chunk[:, :, r, rows, None]
        theirs = chunk[:, :, r, None, :]
        counts += mine == theirs
        counts += mine - 1 == theirs
        if wrap != "none":
            before = (r - 1) % rounds if wrap == "flat" else r
            counts += (mine == 0) & (chunk[:, :, before, None, :] == last)
    if causal:
        counts = counts * full_counts(seq_len, True, rows)
    if key_padding_mask is not None:
        counts = counts * ~key_padding_mask[:, None, None, :]
    own = torch.arange(seq_len, device=rows.device) == rows[:, None]
    return counts.masked_fill(own, 0)


def multiset_attention(
    query: Tensor, key: Tensor, value: Tensor, counts: Tensor, scale: float
) -> Tensor:
    """softmax(scale · QKᵀ + log C) V; zero for a query that sees nothing.

    Args:
        query: `(batch, heads, R, d)`; key, value: `(batch, heads, seq_len, d)`.
        counts: C, broadcastable to `(batch, heads, R, seq_len)`.
    """
    scores = torch.matmul(query, key.transpose(-2, -1)) * scale + counts.to(query.dtype).log()
    seen = (counts > 0).any(-1, keepdim=True)
    # Rows that see nothing are taken out before the softmax: theirs would be 0/0.
    weights = torch.softmax(scores.masked_fill(~seen, 0.0), dim=-1).masked_fill(~seen, 0.0)
    return torch.matmul(weights, value)


def project(x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> tuple[Tensor, ...]:
    """All head-split projections of `x`: `(batch, heads, seq_len, d)` each."""
    batch, seq_len, dim = x.shape
    parts = F.linear(x, weight, bias).split(dim, dim=-1)
    return tuple(p.view(batch, seq_len, heads, dim // heads).transpose(1, 2) for p in parts)


def sublayer(
    x: Tensor,
    mixed: Tensor,
    out_proj: tuple[Tensor, Tensor],
    norm: tuple[Tensor, Tensor],
    eps: float,
    padded: Tensor | None,
) -> Tensor:
    """LayerNorm(x + out_proj(mixed)), zero where `padded`.

    Args:
        x: `(batch, R, dim)`; mixed: `(batch, heads, R, d)`; padded: bool `(batch, R)`.
    """
    merged = mixed.transpose(1, 2).flatten(2)
    y = F.layer_norm(x + F.linear(merged, *out_proj), x.shape[-1:], *norm, eps)
    return y if padded is None else y.masked_fill(padded[..., None], 0.0)
