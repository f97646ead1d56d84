"""A sequence cut into blocks of chunks, and what must stay hidden in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hatrick.flash import hiding

ROWS = 1024
"""Tokens in a block, for two threads or fewer, and half as many for each thread more: what is made
of them fits into the last cache, and matrix products are hardly faster for more."""
CUDA_ROWS = 16384
"""The same on CUDA, where a block should fill the device; not measured yet."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some chunks of one size: a part of one sequence, or all such chunks of several."""

    sequences: slice
    tokens: slice
    size: int
    """n, tokens in a chunk."""
    chunks: slice
    """Which of a sequence's chunks."""

    def of(self, x: Tensor) -> Tensor:
        """Its part of `(batch, seq_len, dim)`: a view `(sequences, chunks, n, dim)`."""
        part: Tensor = x[self.sequences, self.tokens].unflatten(1, (-1, self.size))
        return part

    def led(self, x: Tensor, first: Tensor | float) -> Tensor:
        """Its part of `(batch, seq_len, dim)` with `first` before every chunk:
        `(sequences · chunks, n + 1, dim)`."""
        part = self.of(x)
        out = part.new_empty(*part.shape[:2], self.size + 1, part.shape[-1])
        out[:, :, 0] = first
        out[:, :, 1:] = part
        return out.flatten(0, 1)

    def first(self, rows: Tensor) -> Tensor:
        """What leads the chunks, a view `(sequences · chunks, dim)` of rows as `led` lays them."""
        return rows.view(-1, self.size + 1, rows.shape[-1])[:, 0]

    def put(self, x: Tensor, rows: Tensor) -> None:
        """Write the tokens of rows as `led` lays them into their part of `x`."""
        part = self.of(x)
        part.copy_(rows.view(*part.shape[:2], self.size + 1, -1)[:, :, 1:])


def block_rows(device: torch.device) -> int:
    """About how many tokens a block has there."""
    return CUDA_ROWS if device.type == "cuda" else ROWS * max(1, torch.get_num_threads() // 2)


def blocks(batch: int, seq_len: int, chunk_size: int, rows: int) -> Iterator[Block]:
    """All blocks; a last chunk that is shorter is in a block of its own, so that nothing is padded.

    Short sequences share a block of up to `rows` tokens, long ones are cut.
    """
    count = seq_len // chunk_size
    end = count * chunk_size
    step = max(1, rows // chunk_size)
    together = max(1, rows // end) if end else batch
    for at in range(0, batch, together):
        sequences = slice(at, min(at + together, batch))
        for first in range(0, count, step):
            chunks = slice(first, min(first + step, count))
            tokens = slice(chunks.start * chunk_size, chunks.stop * chunk_size)
            yield Block(sequences, tokens, chunk_size, chunks)
    if end < seq_len:
        tail = slice(end, seq_len)
        yield Block(slice(0, batch), tail, seq_len - end, slice(count, count + 1))


@dataclass(frozen=True, slots=True)
class Masks:
    """What the stages hide, made block by block: nothing here grows with T · n or T²/n."""

    causal: bool
    valid: Tensor | None = None
    """bool `(batch, seq_len)`, True = may be seen; None = all may."""
    has_cls: Tensor | None = None
    """bool `(batch, chunks)`, True = the chunk's CLS may be seen; None = all may."""

    def local(self, block: Block, dtype: torch.dtype, device: torch.device) -> Tensor | None:
        """Step 1: a chunk's CLS and tokens for each other, `(…, n + 1, n + 1)`; None: no mask."""
        size, visible = block.size + 1, None
        if self.causal:
            visible = torch.ones(size, size, dtype=torch.bool, device=device).tril_()
            visible[0] = True  # the CLS summarises its whole chunk
        if self.valid is not None:
            keys = block.led(self.valid[..., None], True).view(-1, 1, 1, size)
            visible = keys if visible is None else keys & visible
        return None if visible is None else hiding(visible, dtype)

    def cross(self, block: Block, kv: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Step 3: the CLS of all chunks, `kv` `(batch, chunks, …)`, for the rows of a block.

        Returns:
            The bias `(…, rows or 1, chunks)`, and which rows see any: bool `(…, rows or 1, 1)`.
            None and None: no mask.
        """
        visible = None
        if self.causal:
            chunk = torch.arange(kv.shape[1], device=kv.device)
            mine = chunk[block.chunks].repeat_interleave(block.size + 1)
            visible = (mine[:, None] > chunk)[None, None]
        if self.has_cls is not None:
            keys = self.has_cls[block.sequences, None, None]
            visible = keys if visible is None else keys & visible
        if visible is None:
            return None, None
        return hiding(visible, kv.dtype), visible.any(-1, keepdim=True)
