"""Sliding-window attention on a CPU: flash attention tile by tile, forward and backward.

The backward of flash attention is exact for any part of the pairs, given the output and the
log-sum-exp of the whole (Dao et al. 2022, algorithm 4). So the forward goes by blocks of queries,
whose outputs do not overlap, and the backward by blocks of keys: then the gradients of keys and
values do not overlap either, and only those of the queries are summed over tiles. Kept between the
two: query, key, value, output and log-sum-exp. Beyond the results there is never more than a tile.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hatrick.flash import flash, flash_backward, flash_reason, hiding
from hatrick.linear import transformed
from variants.window_tiles import Tile, band, tiles

TILE_SCORES = 1 << 22
"""Scores of a tile for each thread: milliseconds of work, on a few MiB of results."""
LEAST_SCORES = 1 << 16
"""Fewer would not be worth a call, which costs tens of microseconds."""


def fits(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether `window_flash` can run on these tensors, here and now.

    Not within torch.compile, whose graph would hold every tile; nor under torch.func; nor where
    autocast would have another dtype.
    """
    if query.device.type != "cpu" or torch.compiler.is_compiling() or transformed():
        return False
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else query.dtype
    known = not flash_reason(query.device, dtype, query.shape[-1])
    return known and query.dtype == key.dtype == value.dtype == dtype


def window_flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    left: int,
    right: int,
    valid: Tensor | None,
    scale: float,
) -> Tensor:
    """Attention in which query i sees key j iff i − left ≤ j ≤ i + right; differentiable once.

    Args:
        query, key, value: `(batch, heads, seq_len, head_dim)`, for which `fits` holds.
        left, right: less than seq_len.
        valid: bool `(batch, seq_len)`, False = no key for anyone.

    Returns:
        `(batch, heads, seq_len, head_dim)`, laid out as `(batch, seq_len, heads, head_dim)`; zero
        for a query that sees no key.
    """
    out: Tensor = _WindowFlash.apply(  # type: ignore[no-untyped-call]
        query, key, value, valid, left, right, scale
    )[0]
    return out


class _WindowFlash(torch.autograd.Function):
    @staticmethod
    def forward(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        valid: Tensor | None,
        left: int,
        right: int,
        scale: float,
    ) -> tuple[Tensor, Tensor]:
        query, key, value = (_dense(t) for t in (query, key, value))
        out = _like(query, query.dtype)
        lse = query.new_empty(*query.shape[:3], 1, dtype=_wide(query.dtype))
        block = forward_block(left + right)
        pairs = hiding(band(block, left, right, query.device), query.dtype)
        padding = _padding(valid, query.dtype)
        for tile in _tiles(query, left, right, block):
            bias = tile.of_band(pairs)
            if padding is not None:
                bias = bias + tile.window(padding).mT
            part, part_lse = flash(
                tile.own(query), tile.window(key), tile.window(value), bias=bias, scale=scale
            )
            tile.own(out).copy_(part)
            tile.own(lse).copy_(part_lse[..., None])
        if valid is not None:
            # All of a blind query's scores are hidden, so with 0 for their log-sum-exp its
            # weights are 0 in the backward.
            blind = blind_queries(valid, left, right)[:, None, :, None]
            out.masked_fill_(blind, 0.0)
            lse.masked_fill_(blind, 0.0)
        return out, lse

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        query, key, value, valid, ctx.left, ctx.right, ctx.scale = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(query, key, value, valid, *output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, valid, out, lse = ctx.saved_tensors
        left, right = ctx.left, ctx.right
        query, key, value, grad = (_dense(t) for t in (query, key, value, grad))
        if valid is not None:
            grad = grad.masked_fill(blind_queries(valid, left, right)[:, None, :, None], 0.0)
        grad_query = _like(query, _wide(query.dtype)).zero_()
        grad_key, grad_value = _like(key, key.dtype), _like(value, value.dtype)
        block = backward_block(left + right)
        # The band from its other side: the blocks are of keys, their windows of queries.
        pairs = hiding(band(block, right, left, query.device), query.dtype)
        padding = _padding(valid, query.dtype)
        for tile in _tiles(query, right, left, block):
            bias = tile.of_band(pairs).mT
            if padding is not None:
                bias = bias + tile.own(padding).mT
            part_query, part_key, part_value = flash_backward(
                tile.window(grad),
                tile.window(query),
                tile.own(key),
                tile.own(value),
                tile.window(out),
                tile.window(lse).squeeze(-1),
                bias=bias,
                scale=ctx.scale,
            )
            tile.add_to_window(grad_query, part_query)
            tile.own(grad_key).copy_(part_key)
            tile.own(grad_value).copy_(part_value)
        return grad_query.to(query.dtype), grad_key, grad_value, None, None, None, None


def backward_block(span: int) -> int:
    """Keys of a block in the backward, for windows of `span` keys besides the query's own.

    A block of b computes (b + span) / (1 + span) times the scores that count, and the kernel runs
    better on large blocks: by measurement 64 is best for spans of 64 to 256, 128 for 512, 256 for
    2048. So: the largest power of two up to √(32 · span), but no less than 64.
    """
    block = 64
    while (2 * block) ** 2 <= 32 * span:
        block *= 2
    return block


def forward_block(span: int) -> int:
    """Queries of a block in the forward, whose kernel is as fast on the 32 it takes at a time when
    given less than 192 as on more."""
    return max(32, backward_block(span) // 4)


def blind_queries(valid: Tensor, left: int, right: int) -> Tensor:
    """Which queries see no valid key: bool `(batch, seq_len)`, as `valid`."""
    seq_len = valid.shape[1]
    before = torch.nn.functional.pad(valid.cumsum(1), (1, 0))
    where = torch.arange(seq_len, device=valid.device)
    end, begin = (where + right + 1).clamp(max=seq_len), (where - left).clamp(min=0)
    return before[:, end] == before[:, begin]


def _tiles(query: Tensor, before: int, after: int, block: int) -> list[Tile]:
    batch, heads, seq_len, _ = query.shape
    window = before + block + after
    together = max(1, TILE_SCORES * torch.get_num_threads() // (block * window))
    if min(together, seq_len // block) * block * window < LEAST_SCORES:
        together = 1
    return list(tiles(batch, heads, seq_len, before, after, block, together))


def _padding(valid: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """A bias for each key, `(batch, 1, seq_len, 1)`."""
    return None if valid is None else hiding(valid, dtype)[:, None, :, None]


def _dense(tensor: Tensor) -> Tensor:
    """The kernel reads rows without a stride; a gradient may be expanded from one number."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def _wide(dtype: torch.dtype) -> torch.dtype:
    """What sums are kept in."""
    return torch.promote_types(dtype, torch.float32)


def _like(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Of its shape, laid out as the projections on either side of attention are: token by token."""
    batch, heads, seq_len, head_dim = tensor.shape
    return tensor.new_empty(batch, seq_len, heads, head_dim, dtype=dtype).transpose(1, 2)
