"""Which token stands in which slot, when each round's tokens are sorted by their buckets."""

from __future__ import annotations

import torch
from torch import Tensor


def sort_by_bucket(buckets: Tensor, key_padding_mask: Tensor | None, chunk_size: int) -> Tensor:
    """The position in each slot: stable sorting by bucket, padding behind the rest, and whole
    chunks at the end.

    Args:
        buckets: int64 or int32 `(batch, heads, rounds, seq_len)`.
        key_padding_mask: bool `(batch, seq_len)`, True = padding.

    Returns:
        int64 `(batch, heads, rounds, slots)`, slots = seq_len rounded up to whole chunks; positions
        from seq_len on, at the very end, are of no token.
    """
    order = _argsort(buckets, key_padding_mask)
    seq_len = buckets.shape[3]
    tail = -seq_len % chunk_size
    if tail:
        extra = torch.arange(seq_len, seq_len + tail, device=order.device)
        order = torch.cat([order, extra.expand(*order.shape[:3], tail)], dim=-1)
    return order


def _argsort(buckets: Tensor, padded: Tensor | None) -> Tensor:
    """Stable argsort along the last dimension, `padded` `(batch, seq_len)` behind the rest."""
    # On CPU PyTorch has a radix sort for one long row of integers, several times as fast as
    # sorting many rows. It needs the buckets' range, which a GPU would make the host wait for.
    if buckets.is_cpu and not torch.compiler.is_compiling():
        low, high = (int(end) for end in torch.aminmax(buckets))
        span, rows = high - low + 2, buckets.shape[:3].numel()
        if rows * span <= torch.iinfo(torch.int32).max:
            return _argsort_as_one_row(_behind(buckets - low, padded, span - 1), span)
    behind = torch.iinfo(buckets.dtype).max
    return _behind(buckets, padded, behind).sort(dim=-1, stable=True).indices


def _behind(buckets: Tensor, padded: Tensor | None, bucket: int) -> Tensor:
    return buckets if padded is None else buckets.masked_fill(padded[:, None, None], bucket)


def _argsort_as_one_row(buckets: Tensor, span: int) -> Tensor:
    """Stable argsort along the last dimension of integers from 0 to span − 1."""
    rows = buckets.flatten(0, 2)
    number = torch.arange(len(rows))[:, None]
    order = (rows + number * span).to(torch.int32).flatten().sort(stable=True).indices
    return (order.view_as(rows) - number * rows.shape[1]).view_as(buckets)
