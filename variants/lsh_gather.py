"""From tokens to slots and back, for all heads and rounds at once and with gradients.

A slot is a place in a round's sorted order. Rounds are joined by their log-sum-exps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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


class Gather:
    """Moves rows of tokens, `(n, slots, d)`, to the slots of every round, and back.

    Args:
        order: int64 `(n, rounds, slots)`, the position in each slot.
    """

    def __init__(self, order: Tensor) -> None:
        self.position = order
        n, rounds, size = order.shape
        here = torch.arange(size, device=order.device)
        place = torch.empty_like(order).scatter_(-1, order, here.expand_as(order))
        head = torch.arange(n, device=order.device)[:, None, None]
        start = torch.arange(n * rounds, device=order.device).view(n, rounds, 1)
        self._token_of_slot = (order + head * size).flatten()
        self._round_token_of_slot = (order + start * size).flatten()
        self._slot_of_round_token = place + start * size

    def to_slots(self, x: Tensor) -> Tensor:
        """`(n, slots, d)` to `(n, rounds, slots, d)`."""
        back = self._slot_of_round_token.transpose(1, 2).reshape(-1, self.position.shape[1])
        out: Tensor = _Take.apply(x.flatten(0, 1), self._token_of_slot, back)  # type: ignore[no-untyped-call]
        return out.view(*self.position.shape, x.shape[-1])

    def to_tokens(self, x: Tensor) -> Tensor:
        """`(n, rounds, slots, d)`, from the order of slots to that of tokens."""
        index, back = self._slot_of_round_token.flatten(), self._round_token_of_slot[:, None]
        out: Tensor = _Take.apply(x.flatten(0, 2), index, back)  # type: ignore[no-untyped-call]
        return out.view(x.shape)

    def join(self, mixed: Tensor, lse: Tensor, value: Tensor) -> Tensor:
        """One softmax over all rounds from each round's own.

        Args:
            mixed: `(n, rounds, slots, d)`.
            lse: `(n, rounds, slots)`; −inf where a query saw nothing in that round, whose `mixed`
                is finite and means nothing.
            value: `(n, slots, d)`, what a token is given that saw nothing in any round.

        Returns:
            `(n, slots, d)`.
        """
        mixed, lse = self.to_tokens(mixed), self.to_tokens(lse[..., None])
        never = torch.isneginf(lse).all(1, keepdim=True)
        weights = torch.softmax(lse.masked_fill(never, 0.0), dim=1).to(mixed.dtype)
        return torch.where(never[:, 0], value, (weights * mixed).sum(1))
