"""One round of a block of heads in sorted order: which tokens stand where, and who sees whom.

Rows of slots run over the slots first and the heads of the block within each, the layout that
PyTorch's CPU flash kernel gives its outputs; rows of tokens run over the heads first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOWHERE = torch.iinfo(torch.int32).max
"""The position of a key that nobody sees: behind all others."""


@dataclass(frozen=True)
class Looks:
    """Who may look at whom, apart from what the data say."""

    chunk_size: int
    causal: bool
    wrap: str

    def same_in_all_chunks(self, exists: Tensor | None) -> bool:
        """All chunks but a round's first hide the same slots: a token from itself. For there are
        no two slots of one token within a round, and every token has another in its chunk."""
        return exists is None and not self.causal and self.chunk_size > 1

    def may_see_nothing(self, exists: Tensor | None) -> bool:
        """A token may find nothing in its window but itself and what is hidden from it."""
        return not self.same_in_all_chunks(exists)


class Slots:
    """Round `r` of a block of heads.

    Args:
        order: int64 `(batch, heads, rounds, slots)`, the position in each slot.
        exists: bool `(batch, slots)`, False = no key for anyone; None = all exist.
        dtype: of the additive masks.

    Attributes:
        slot_of_token: the row of a slot in which each token stands, in rows of tokens.
        bias: 0 or −inf, to be added to the scores, `(chunks, heads, chunk_size, 2 · chunk_size)`.
        first_bias: that of the first chunk, where `bias` does not hold for it; else None.
        alone: which queries see nothing, `(chunks, heads, chunk_size)`; None: none.
    """

    def __init__(
        self, order: Tensor, r: int, exists: Tensor | None, looks: Looks, dtype: torch.dtype
    ) -> None:
        batch, heads, _, size = order.shape
        self.looks, self.heads, c = looks, batch * heads, looks.chunk_size
        here = order[:, :, r].reshape(-1, size).t()
        before = order[:, :, r - 1 if looks.wrap == "flat" else r, -c:].reshape(-1, c).t()
        positions = torch.cat([before, here])  # (slots, heads) from here on
        head = torch.arange(self.heads, device=order.device)
        seen = positions + head * size
        self._before, self._seen = seen[:c].flatten(), seen.flatten()
        self._here = self._seen[c * self.heads :]
        row = torch.arange(size * self.heads, device=order.device)
        self.slot_of_token = torch.empty_like(row).scatter_(0, self._here, row)

        # Half the width of positions makes comparing all pairs of them twice as fast.
        query = keys = positions.to(torch.int32)
        if exists is not None:
            rows = exists[:, None].expand(batch, heads, size).reshape(-1)
            there = rows.index_select(0, self._seen).view_as(keys)
            keys = keys.masked_fill(~there, NOWHERE)
        self.alone = self.first_bias = None
        if looks.causal or c == 1:
            self.bias = self._bias(query[c:], keys, dtype)
        else:
            own = torch.eye(c, dtype=torch.bool, device=order.device)
            itself = _additive(torch.cat([torch.zeros_like(own), own], dim=1), dtype)
            if exists is None:
                self.bias = itself.expand(size // c, self.heads, c, 2 * c)
            else:
                self.bias = _windows(_additive(keys == NOWHERE, dtype), c)[:, :, None] + itself
            if looks.wrap != "round" or size == c:
                first = self._bias(query[c : 2 * c], keys[: 2 * c], dtype)
                if exists is None:
                    self.first_bias = first
                else:
                    self.bias[:1] = first
        if looks.may_see_nothing(exists):
            self.alone = torch.isneginf(self.bias.amax(-1))

    def _bias(self, query: Tensor, keys: Tensor, dtype: torch.dtype) -> Tensor:
        """That of chunks from the first on, from the positions of their queries, and of their keys
        with the chunk that the first looks back at."""
        c = self.looks.chunk_size
        mine, theirs = _windows(query, c, c)[..., None], _windows(keys, c)[:, :, None]
        hidden = theirs >= mine  # itself, what comes later, and what is nowhere
        if not self.looks.causal:
            hidden = (theirs == mine) | (theirs == NOWHERE)
        if self.looks.wrap == "none":
            hidden[0, ..., :c] = True
        return _additive(hidden, dtype)

    def chunks(self, x: Tensor) -> Tensor:
        """Rows of tokens, `(…, d)`, as queries: `(chunks, heads, chunk_size, d)`."""
        c = self.looks.chunk_size
        return x.index_select(0, self._here).view(-1, c, self.heads, x.shape[1]).transpose(1, 2)

    def windows(self, x: Tensor) -> Tensor:
        """Rows of tokens, `(…, d)`, as keys, each chunk after the one it looks back at, both in
        overlapping views of the same memory: `(chunks, heads, 2 · chunk_size, d)`."""
        c = self.looks.chunk_size
        rows = x.index_select(0, self._seen).view(-1, self.heads, x.shape[1])
        return rows.unfold(0, 2 * c, c).transpose(2, 3)

    def add_keys(self, total: Tensor, windows: Tensor) -> None:
        """Add gradients of windows, `(chunks, heads, 2 · chunk_size, d)`, which may be
        overwritten, to rows of tokens."""
        c = self.looks.chunk_size
        windows[:-1, :, c:] += windows[1:, :, :c]
        rows = windows.transpose(1, 2).reshape(-1, total.shape[1])
        # A chunk's own keys are the second half of its window.
        within = c * self.heads
        index = self.slot_of_token + (self.slot_of_token // within + 1) * within
        total += rows.index_select(0, index)
        total.index_add_(0, self._before, rows[:within].to(total.dtype))


def unit_length(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows divided by their lengths, and these lengths, `(…, 1)`."""
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    # The usual 1e-12 is zero in half precision, and 0/0 is what padding would come to.
    length = length.clamp(min=max(1e-12, torch.finfo(x.dtype).tiny))
    return x / length, length


def _additive(hidden: Tensor, dtype: torch.dtype) -> Tensor:
    nothing = torch.zeros((), dtype=dtype, device=hidden.device)
    return torch.where(hidden, float("-inf"), nothing)


def _windows(x: Tensor, chunk_size: int, length: int | None = None) -> Tensor:
    """`(slots, heads)` in windows, two chunks long or as told: `(chunks, heads, length)`."""
    # What is made of views would inherit their strides, and masks with the heads innermost are
    # slow to make and to read.
    return x.unfold(0, length or 2 * chunk_size, chunk_size).contiguous()
