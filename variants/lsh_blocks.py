"""LSH attention on CPU, a few heads and one round at a time.

Per round a block of heads is gathered in sorted order, attended to by PyTorch's flash kernel, and
joined to the rounds before it by log-sum-exp, so that nothing is as large as all rounds together.
Keys are not copied for the chunk that looks back at them: windows overlap in memory. A softmax
over several rounds has one log-sum-exp and one output, and flash attention's backward needs of the
forward just these two (Dao et al. 2022, algorithm 4): given the joined ones for each round in turn
it returns the joined gradient. So the backward gathers again, and nothing else is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hatrick.flash import flash, flash_backward
from variants.lsh_slots import Looks, Slots, unit_length

BLOCK_ELEMENTS = 1 << 19
"""Elements of the queries of a block of heads, at least one head: 2 MiB in float32, so that a
block's tensors stay in the last cache, and short sequences do not pay for each head."""

_Block = tuple[slice, slice]


def attend_blocks(
    qk: Tensor,
    value: Tensor,
    order: Tensor,
    exists: Tensor | None,
    *,
    chunk_size: int,
    causal: bool,
    wrap: str,
    scale: float,
) -> Tensor:
    """Attention of every token to the chunks it was sorted into, all rounds joined.

    Args:
        qk, value: `(batch, heads, seq_len, d)`.
        order: int64 `(batch, heads, rounds, slots)`, the position in each slot; slots is seq_len
            rounded up to whole chunks, and positions from seq_len on are of no token.
        exists: bool `(batch, slots)`, False = no key for anyone; None = all exist.
        causal, wrap, scale: as in `lsh_attention`.

    Returns:
        `(batch, heads, seq_len, d)`.
    """
    out: Tensor = _forward(qk, value, order, exists, chunk_size, causal, wrap, scale)[0]
    return out


# One operation to torch.compile, which would else unroll every block and round into its graph.
@torch.library.custom_op("hatrick_lsh::attend", mutates_args=())
def _forward(
    qk: Tensor,
    value: Tensor,
    order: Tensor,
    exists: Tensor | None,
    chunk_size: int,
    causal: bool,
    wrap: str,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """The output and the log-sum-exp, `(batch, heads, slots)`, −inf where a token sees nothing."""
    batch, heads, seq_len, _ = qk.shape
    looks = Looks(chunk_size, causal, wrap)
    wide = torch.promote_types(qk.dtype, torch.float32)
    result = _like(qk)
    total = qk.new_empty(batch, heads, order.shape[3], dtype=wide)
    for block in _blocks(order, qk.shape[3]):
        query, values = (_rows(t[block], order.shape[3]) for t in (qk, value))
        key, _ = unit_length(query)
        there = None if exists is None else exists[block[0]]
        out = lse = query.new_empty(0)
        for r in range(order.shape[2]):
            slots = Slots(order[block], r, there, looks, qk.dtype)
            mixed, part = _attend(slots, query, key, values, scale)
            mixed, part = (t.index_select(0, slots.slot_of_token) for t in (mixed, part))
            out, lse = (mixed.to(wide), part) if r == 0 else _join(out, lse, mixed.to(wide), part)
        if looks.may_see_nothing(there):
            out = torch.where(torch.isneginf(lse)[:, None], values, out)
        result[block] = out.view(*order[block].shape[:2], -1, qk.shape[3])[:, :, :seq_len]
        total[block] = lse.view(order[block].shape[0], -1, order.shape[3])
    return result, total


@torch.library.custom_op("hatrick_lsh::attend_backward", mutates_args=())
def _backward(
    grad: Tensor,
    out: Tensor,
    total: Tensor,
    qk: Tensor,
    value: Tensor,
    order: Tensor,
    exists: Tensor | None,
    chunk_size: int,
    causal: bool,
    wrap: str,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """The gradients of `qk` and `value`."""
    seq_len, size = qk.shape[2], order.shape[3]
    looks = Looks(chunk_size, causal, wrap)
    wide = torch.promote_types(qk.dtype, torch.float32)
    result = _like(qk), _like(qk)
    for block in _blocks(order, qk.shape[3]):
        query, values, upstream, outs = (_rows(t[block], size) for t in (qk, value, grad, out))
        key, length = unit_length(query)
        there = None if exists is None else exists[block[0]]
        lse = total[block].flatten()
        never = torch.isneginf(lse) if looks.may_see_nothing(there) else None
        if never is not None:
            lse = lse.masked_fill(never, 0.0)
        grad_q, grad_k, grad_v = (torch.zeros_like(query, dtype=wide) for _ in range(3))
        for r in range(order.shape[2]):
            slots = Slots(order[block], r, there, looks, qk.dtype)
            parts = _attend_backward(slots, query, key, values, upstream, outs, lse, scale)
            grad_q += parts[0].index_select(0, slots.slot_of_token)
            for whole, part in zip((grad_k, grad_v), parts[1:], strict=True):
                slots.add_keys(whole, part)
        radial = key * (key * grad_k).sum(-1, keepdim=True)
        grad_q += grad_k.sub_(radial).div_(length)
        if never is not None:  # its own value is what such a token was given
            grad_v += upstream.masked_fill(~never[:, None], 0.0)
        for whole, part in zip(result, (grad_q, grad_v), strict=True):
            whole[block] = part.view(*order[block].shape[:2], size, -1)[:, :, :seq_len]
    return result


def block_size(batch: int, heads: int, slots: int, head_dim: int) -> tuple[int, int]:
    """How many sequences, and how many heads of each, go together."""
    fits = max(1, BLOCK_ELEMENTS // (slots * head_dim))
    return min(batch, max(1, fits // heads)), min(heads, fits)


def _blocks(order: Tensor, head_dim: int) -> Iterator[_Block]:
    batch, heads, _, slots = order.shape
    sequences, some = block_size(batch, heads, slots, head_dim)
    for b in range(0, batch, sequences):
        for h in range(0, heads, some):
            yield slice(b, b + sequences), slice(h, h + some)


def _rows(x: Tensor, size: int) -> Tensor:
    """`(batch, heads, seq_len, d)` as rows of tokens, zeros after the sequence: `(…, d)`."""
    return F.pad(x, (0, 0, 0, size - x.shape[2])).reshape(-1, x.shape[3])


def _like(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _attend(
    slots: Slots, query: Tensor, key: Tensor, value: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """One round's output and log-sum-exp, −inf for a query that saw nothing: rows of slots."""
    q, k, v = slots.chunks(query), slots.windows(key), slots.windows(value)
    out, lse = flash(q, k, v, bias=slots.bias, scale=scale)
    if slots.first_bias is not None:
        first = flash(q[:1], k[:1], v[:1], bias=slots.first_bias, scale=scale)
        out[:1], lse[:1] = first
    if slots.alone is not None:
        lse = lse.masked_fill(slots.alone, float("-inf"))
    return out.transpose(1, 2).reshape(-1, out.shape[-1]), lse.transpose(1, 2).reshape(-1)


def _attend_backward(
    slots: Slots,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    upstream: Tensor,
    out: Tensor,
    lse: Tensor,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One round's gradients: of the queries as rows of slots, of keys and values as windows."""
    tensors = (
        slots.chunks(upstream),
        slots.chunks(query),
        slots.windows(key),
        slots.windows(value),
        slots.chunks(out),
        slots.chunks(lse[:, None]).squeeze(-1),
    )
    grads = flash_backward(*tensors, bias=slots.bias, scale=scale)
    if slots.first_bias is not None:
        only = (t[:1] for t in tensors)
        first = flash_backward(*only, bias=slots.first_bias, scale=scale)
        for whole, part in zip(grads, first, strict=True):
            whole[:1] = part
    grad_q, grad_k, grad_v = grads
    return grad_q.transpose(1, 2).reshape(-1, grad_q.shape[-1]), grad_k, grad_v


def _join(out: Tensor, lse: Tensor, mixed: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """One softmax over what `out` covers and over another round, by their log-sum-exps."""
    weight = torch.sigmoid(part - lse).masked_fill_(torch.isneginf(part), 0.0)
    return out.lerp_(mixed, weight[:, None]), torch.logaddexp(lse, part)


@_forward.register_fake
def _(qk: Tensor, value: Tensor, order: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    wide = torch.promote_types(qk.dtype, torch.float32)
    return _like(qk), qk.new_empty(*qk.shape[:2], order.shape[3], dtype=wide)


@_backward.register_fake
def _(grad: Tensor, out: Tensor, total: Tensor, qk: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return _like(qk), _like(qk)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*output, *inputs[:4])
    ctx.rest = inputs[4:]


def _differentiate(ctx: Any, grad: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    if grad is None:
        return (None,) * 8
    return *_backward(grad, *ctx.saved_tensors, *ctx.rest), *(None,) * 6


_forward.register_autograd(_differentiate, setup_context=_setup)
