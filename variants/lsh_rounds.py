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

from hatrick.flex import flex_kernel, flex_reason

BACKENDS = ("sdpa", "plain", "flex")
"""In the order in which `auto` prefers them."""


def rounds_reason(
    backend: str, device: torch.device, dtype: torch.dtype, head_dim: int, *, training: bool
) -> str:
    """Why `backend` cannot run there; empty if it can. `training`: with gradients."""
    if backend == "sdpa" and device.type != "cpu":
        return (
            "joining the rounds needs the log-sum-exp, which is taken from PyTorch's CPU kernel; "
            f"for {device.type} that is not written"
        )
    if backend == "flex":
        if device.type == "cpu":
            return "FlexAttention returns no log-sum-exp on CPU, by which rounds are joined"
        return flex_reason(device, dtype, head_dim, training=training)
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
        self.n, self.heads, self.wrap = batch * heads, heads, wrap
        self.rounds, self.chunks, self.chunk_size = rounds, chunks, chunk_size
        self.seq_len = chunks * chunk_size
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
        """Which keys of its chunk's window a query must not see, its own among them: bool
        `(n, rounds · chunks, chunk_size, 2 · chunk_size)`. And which queries see nothing then:
        bool `(n, rounds · chunks, chunk_size)`, None where there is none."""
        query, key = self.position[..., None], self.with_previous(self.position)[:, :, None]
        blocked = [query == key]
        if exists is not None:
            exists = exists.repeat_interleave(self.heads, 0)
            there = exists.gather(1, self.position.flatten(1)).view_as(self.position)
            blocked.append(~self.with_previous(there)[:, :, None])
        if self.wrap == "none":
            shape = (1, self.rounds * self.chunks, 1, 2 * self.chunk_size)
            nothing = torch.zeros(shape, dtype=torch.bool, device=key.device)
            nothing[:, :: self.chunks, :, self.chunk_size :] = True
            blocked.append(nothing)
        if causal:
            blocked.append(key > query)
        hidden = reduce(torch.logical_or, blocked)
        # Another token of its own chunk is always there to be seen, unless more is hidden.
        nobody_alone = len(blocked) == 1 and self.chunk_size > 1
        return hidden, None if nobody_alone else hidden.all(-1)


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
    reason = rounds_reason(backend, query.device, query.dtype, query.shape[-1], training=training)
    if reason:
        raise ValueError(f"backend {backend!r} cannot run here: {reason}")
    shape = query.shape
    query, key, value = (t.flatten(0, 1) for t in (query, key, value))
    slots = _Sorting(order, wrap)
    hidden, alone = slots.masks(exists, causal)
    q = slots.to_slots(query)
    k = slots.with_previous(slots.to_slots(key))
    v = slots.with_previous(slots.to_slots(value))
    if backend == "sdpa":
        out, never = _FlashRounds.apply(q, k, v, hidden, alone, slots, scale)  # type: ignore[no-untyped-call]
    else:
        attend = _flex if backend == "flex" else _plain
        mixed, lse = attend(q, k, v, hidden, alone, scale)
        out, never, _ = _join(slots, mixed, lse, alone)
    return torch.where(never[..., None], value, out).view(shape)


def _join(
    slots: _Sorting, mixed: Tensor, lse: Tensor, alone: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """One softmax over all rounds from each round's own.

    Args:
        mixed: `(n, rounds · chunks, chunk_size, d)`; lse: the same without d.
        alone: which queries saw nothing in that round, as lse; their mixed and lse mean nothing.

    Returns:
        The output `(n, seq_len, d)`; which tokens saw nothing in any round, bool `(n, seq_len)`,
        whose output means nothing; the log-sum-exp `(n, seq_len)`, 0 for those.
    """
    if alone is not None:
        lse = lse.masked_fill(alone, float("-inf"))
    mixed, lse = slots.to_tokens(mixed), slots.to_tokens(lse[..., None])
    never = torch.isneginf(lse).all(1, keepdim=True)
    lse = lse.masked_fill(never, 0.0)
    out = (torch.softmax(lse, dim=1).to(mixed.dtype) * mixed).sum(1)
    total = torch.logsumexp(lse, dim=1).masked_fill(never[:, 0], 0.0)
    return out, never[:, 0, :, 0], total[..., 0]


def _plain(
    q: Tensor, k: Tensor, v: Tensor, hidden: Tensor, alone: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Materialised scores of every chunk; the log-sum-exp in float32 at least."""
    # In half precision the log-sum-exps would be rounded to where rounds are weighted wrongly.
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = torch.matmul(q, k.transpose(-2, -1)).to(wide) * scale
    scores = scores.masked_fill(hidden, float("-inf"))
    if alone is not None:  # a softmax over nothing has no gradient that could be ignored later
        scores = scores.masked_fill(alone[..., None], 0.0)
    weights = torch.softmax(scores, dim=-1).to(v.dtype)
    return torch.matmul(weights, v), torch.logsumexp(scores, dim=-1)


def _flex(
    q: Tensor, k: Tensor, v: Tensor, hidden: Tensor, alone: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """FlexAttention; batch is the head, its head is the chunk."""
    shown = ~hidden if alone is None else ~hidden | alone[..., None]

    def score_mod(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return torch.where(shown[b, h, i, j], score, float("-inf"))

    kernel = flex_kernel(q.device)
    mixed, rest = kernel(q, k, v, score_mod=score_mod, scale=scale, return_aux=AuxRequest(lse=True))
    return mixed, rest.lse


class _FlashRounds(torch.autograd.Function):
    """Attention of all chunks and the joining of rounds in one node.

    A softmax over several rounds has one log-sum-exp and one output. Flash attention's backward
    needs of the forward just these two (Dao et al. 2022, algorithm 4), so given the joined ones
    in place of each round's own it returns the joined gradient, and no weights are kept.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        hidden: Tensor,
        alone: Tensor | None,
        slots: _Sorting,
        scale: float,
    ) -> tuple[Tensor, Tensor]:
        bias = torch.zeros_like(hidden, dtype=q.dtype).masked_fill_(hidden, float("-inf"))
        mixed, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q, k, v, attn_mask=bias, scale=scale
        )
        out, never, total = _join(slots, mixed, lse, alone)
        ctx.save_for_backward(q, k, v, bias, out, total)
        ctx.mark_non_differentiable(never)
        ctx.slots, ctx.scale = slots, scale
        return out, never

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
        return grad_q, grad_k, grad_v, None, None, None, None
