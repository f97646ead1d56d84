"""The inner part of LSH attention: sorted chunks in, one value a token out.

All rounds of all chunks are attended to at once, then a token's rounds are joined by their
log-sum-exps. Three backends that differ in how a chunk is attended to.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import AuxRequest

from hatrick.flex import compiled, flex_reason

BACKENDS = ("sdpa", "plain", "flex")
"""In the order in which `auto` prefers them."""

SELF_SCORE = -1e4
"""A token's score for itself: so low that its weight is exactly zero beside any other key, in any
dtype, and finite, so that a softmax over nothing else is defined. A log-sum-exp below half of it
says that the token saw nothing else."""


def rounds_reason(backend: str, device: torch.device, dtype: torch.dtype, training: bool) -> str:
    """Why `backend` cannot run there; empty if it can. `training`: with gradients."""
    if backend == "sdpa" and device.type != "cpu":
        return f"PyTorch's attention kernel gives its log-sum-exp on cpu only, not on {device.type}"
    if backend == "flex":
        if device.type == "cpu":
            return "FlexAttention returns no log-sum-exp on CPU, by which rounds are joined"
        return flex_reason(device, dtype, training)
    return ""


class _Take(torch.autograd.Function):
    """`x[index]`, with a backward that gathers instead of scattering.

    Every row of `x` is taken equally often; `back`, `(rows, times)`, says where its copies went.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        grad = grads[0].index_select(0, back.flatten())
        return grad.unflatten(0, tuple(back.shape)).sum(1), None, None


class _Sorting:
    """From token order to slots (a round's places in sorted order) and back, for all heads.

    `order`: `(batch, heads, rounds, chunks, chunk_size)`, the position that each slot holds.
    """

    def __init__(self, order: Tensor, wrap: str) -> None:
        batch, heads, rounds, chunks, chunk_size = order.shape
        self.n, self.rounds, self.chunks, self.chunk_size = (
            batch * heads,
            rounds,
            chunks,
            chunk_size,
        )
        self.seq_len = chunks * chunk_size
        self.wrap = wrap
        self.position = order.view(self.n, rounds * chunks, chunk_size)

        # Tokens are rows of (n, seq_len); slots, and tokens once a round, of (n, rounds, seq_len).
        order = order.view(self.n, rounds, self.seq_len)
        here = torch.arange(self.seq_len, device=order.device)
        place = torch.empty_like(order).scatter_(-1, order, here.expand_as(order))
        head = torch.arange(self.n, device=order.device)[:, None, None]
        start = torch.arange(self.n * rounds, device=order.device).view(self.n, rounds, 1)
        self.token_of_slot = (order + head * self.seq_len).flatten()
        self.round_token_of_slot = (order + start * self.seq_len).flatten()
        self.slot_of_round_token = place + start * self.seq_len

    def to_slots(self, x: Tensor) -> Tensor:
        """`(n, seq_len, d)` to `(n, rounds · chunks, chunk_size, d)`."""
        back = self.slot_of_round_token.transpose(1, 2).reshape(-1, self.rounds)
        out: Tensor = _Take.apply(x.flatten(0, 1), self.token_of_slot, back)  # type: ignore[no-untyped-call]
        return out.view(self.n, self.rounds * self.chunks, self.chunk_size, -1)

    def to_tokens(self, x: Tensor) -> Tensor:
        """`(n, rounds · chunks, chunk_size, d)` to `(n, rounds, seq_len, d)`."""
        index, back = self.slot_of_round_token.flatten(), self.round_token_of_slot[:, None]
        out: Tensor = _Take.apply(x.flatten(0, 2), index, back)  # type: ignore[no-untyped-call]
        return out.view(self.n, self.rounds, self.seq_len, -1)

    def with_previous(self, x: Tensor) -> Tensor:
        """Each chunk followed by the one it looks back at: `(n, chunks, 2 · chunk_size, …)`."""
        if self.wrap == "flat":
            before = x.roll(1, dims=1)
        else:
            before = x.unflatten(1, (self.rounds, self.chunks)).roll(1, dims=2).flatten(1, 2)
        return torch.cat([x, before], dim=2)

    def masks(self, exists: Tensor | None, causal: bool) -> tuple[Tensor, Tensor | None]:
        """Which key of a chunk's window is the query's own, and which are hidden from it.

        Both bool, the first `(n, rounds · chunks, chunk_size, 2 · chunk_size)`, the second
        broadcastable to it or None where nothing is hidden; own wins over hidden.
        """
        query, key = self.position[..., None], self.with_previous(self.position)[:, :, None]
        hidden = []
        if exists is not None:
            exists = exists.repeat_interleave(self.n // len(exists), 0)
            there = exists.gather(1, self.position.flatten(1)).view_as(self.position)
            hidden.append(~self.with_previous(there)[:, :, None])
        if self.wrap == "none":
            shape = (1, self.rounds * self.chunks, 1, 2 * self.chunk_size)
            nothing = torch.zeros(shape, dtype=torch.bool, device=key.device)
            nothing[:, :: self.chunks, :, self.chunk_size :] = True
            hidden.append(nothing)
        if causal:
            hidden.append(key > query)
        return query == key, reduce(torch.logical_or, hidden) if hidden else None


def attend_rounds(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    order: Tensor,
    *,
    exists: Tensor | None,
    causal: bool,
    wrap: str,
    scale: float,
    backend: str,
) -> Tensor:
    """Attention of every token to the chunks it was sorted into, all rounds joined.

    Args:
        query, key, value: `(batch, heads, seq_len, d)`, seq_len = chunks · chunk_size.
        order: int64 `(batch, heads, rounds, chunks, chunk_size)`, the position in each slot.
        exists: bool `(batch, seq_len)`, False = no key for anyone; None = all exist.
        causal, wrap, scale: as in `lsh_attention`.

    Returns:
        `(batch, heads, seq_len, d)`.
    """
    if backend == "auto":
        backend = "sdpa" if query.device.type == "cpu" else "plain"
    training = torch.is_grad_enabled() and (query.requires_grad or value.requires_grad)
    if reason := rounds_reason(backend, query.device, query.dtype, training):
        raise ValueError(f"backend {backend!r} cannot run here: {reason}")
    shape = query.shape
    query, key, value = (t.flatten(0, 1) for t in (query, key, value))
    slots = _Sorting(order, wrap)
    own, hidden = slots.masks(exists, causal)
    q = slots.to_slots(query)
    k = slots.with_previous(slots.to_slots(key))
    v = slots.with_previous(slots.to_slots(value))
    if backend == "sdpa":
        bias = torch.zeros_like(own, dtype=q.dtype)
        if hidden is not None:
            bias.masked_fill_(hidden, float("-inf"))
        bias.masked_fill_(own, SELF_SCORE)
        out, alone = _FlashRounds.apply(q, k, v, bias, slots, scale)  # type: ignore[no-untyped-call]
    else:
        attend = _flex if backend == "flex" else _plain
        mixed, lse = attend(q, k, v, own, hidden, scale)
        out, alone, _ = _join(slots.to_tokens(mixed), slots.to_tokens(lse[..., None]))
    return torch.where(alone[..., None], value, out).view(shape)


def _join(mixed: Tensor, lse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One softmax over all rounds from each round's own.

    Args:
        mixed: `(n, rounds, seq_len, d)`; lse: `(n, rounds, seq_len, 1)`.

    Returns:
        The output `(n, seq_len, d)`; which tokens saw nothing but themselves in any round, bool
        `(n, seq_len)`, whose output means nothing; the log-sum-exp `(n, seq_len)`, 0 for those.
    """
    alone_in_round = lse < SELF_SCORE / 2
    alone = alone_in_round.all(1, keepdim=True)
    lse = lse.masked_fill(alone_in_round, float("-inf")).masked_fill(alone, 0.0)
    out = (torch.softmax(lse, dim=1).to(mixed.dtype) * mixed).sum(1)
    total = torch.logsumexp(lse, dim=1).masked_fill(alone[:, 0], 0.0)
    return out, alone[:, 0, :, 0], total[..., 0]


def _plain(
    q: Tensor, k: Tensor, v: Tensor, own: Tensor, hidden: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Materialised scores of every chunk."""
    # In half precision the log-sum-exps would be rounded to where rounds are weighted wrongly.
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = torch.matmul(q, k.transpose(-2, -1)).to(wide) * scale
    if hidden is not None:
        scores = scores.masked_fill(hidden, float("-inf"))
    scores = scores.masked_fill(own, SELF_SCORE)
    lse = torch.logsumexp(scores, dim=-1)
    weights = torch.softmax(scores, dim=-1).to(v.dtype)
    return torch.matmul(weights, v), lse


def _flex(
    q: Tensor, k: Tensor, v: Tensor, own: Tensor, hidden: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """FlexAttention; batch is the head, its head is the chunk."""
    shown = None if hidden is None else ~hidden.expand_as(own)

    def score_mod(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        if shown is not None:
            score = torch.where(shown[b, h, i, j], score, float("-inf"))
        return torch.where(own[b, h, i, j], SELF_SCORE, score)

    kernel = compiled(q.device.type)
    mixed, rest = kernel(
        q, k, v, score_mod=score_mod, scale=scale, return_aux=AuxRequest(lse=True)
    )
    return mixed, rest.lse


class _FlashRounds(torch.autograd.Function):
    """Attention of all chunks and the joining of rounds in one node.

    A softmax over several rounds has one log-sum-exp and one output. Flash attention's backward
    needs of the forward just these two (Dao et al. 2022, algorithm 4), so given the joined ones
    in place of each round's own it returns the joined gradient, and no weights are kept.
    """

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, slots: _Sorting, scale: float
    ) -> tuple[Tensor, Tensor]:
        mixed, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q, k, v, attn_mask=bias, scale=scale
        )
        out, alone, total = _join(slots.to_tokens(mixed), slots.to_tokens(lse[..., None]))
        ctx.save_for_backward(q, k, v, bias, out, total)
        ctx.mark_non_differentiable(alone)
        ctx.slots, ctx.scale = slots, scale
        return out, alone

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, bias, out, total = ctx.saved_tensors
        slots = ctx.slots
        grad_q, grad_k, grad_v = (
            torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                slots.to_slots(grads[0]),
                q,
                k,
                v,
                slots.to_slots(out),
                slots.to_slots(total[..., None]).squeeze(-1),
                0.0,
                False,
                attn_mask=bias,
                scale=ctx.scale,
            )
        )
        return grad_q, grad_k, grad_v, None, None, None
