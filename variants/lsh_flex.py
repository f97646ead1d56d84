"""LSH attention by FlexAttention: all slots of all rounds as one sequence, no key copied.

Which chunks see which is a block mask that depends on the shapes alone and is kept. What depends
on the data (a token must not see itself, a later one if causal, or padding) is looked up by slot.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import AuxRequest, BlockMask

from hatrick.flex import BLOCK, block_mask, flex_kernel, mask_to_keep
from variants.lsh_gather import Gather

OWN_SLOT = -1e9
"""Score of a query in its own slot: nothing beside any other key, but no softmax is empty."""

_MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def attend_flex(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    gather: Gather,
    exists: Tensor | None,
    *,
    chunk_size: int,
    causal: bool,
    wrap: str,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """Each round's output and log-sum-exp; as `attend_plain`."""
    n, rounds, size = gather.position.shape
    position = gather.position.view(n, rounds * size)
    there = None if exists is None else exists.gather(1, position)

    def score_mod(score: Tensor, b: Tensor, head: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        hidden = position[b, kv] == position[b, q]
        if causal:
            hidden = position[b, kv] >= position[b, q]
        if there is not None:
            hidden = hidden | ~there[b, kv]
        score = torch.where(hidden, float("-inf"), score)
        # Another slot of the same token (of the round before) stays hidden: were both OWN_SLOT,
        # a log-sum-exp of that size could not tell two from one.
        return torch.where(q == kv, OWN_SLOT, score)

    slots = (gather.to_slots(t).view(n, 1, rounds * size, -1) for t in (query, key, value))
    make = chunk_mask if torch.compiler.is_compiling() else _kept_chunk_mask
    mixed, rest = flex_kernel(query.device)(
        *slots,
        score_mod=score_mod,
        block_mask=make(chunk_size, size // chunk_size, rounds, wrap, query.device),
        scale=scale,
        return_aux=AuxRequest(lse=True),
    )
    lse = rest.lse.masked_fill(rest.lse < OWN_SLOT / 2, float("-inf"))
    return mixed.view(n, rounds, size, -1), lse.view(n, rounds, size)


def chunk_mask(
    chunk_size: int, chunks: int, rounds: int, wrap: str, device: torch.device
) -> BlockMask:
    """Slots of `rounds · chunks` chunks in a row: a query sees its own and the one before.

    Built from the numbers of chunks and blocks: `create_block_mask` would evaluate every pair of
    slots.
    """
    every = rounds * chunks
    seq_len = every * chunk_size
    first = torch.arange(-(-seq_len // BLOCK), device=device)[:, None] * BLOCK
    last = (first + BLOCK - 1).clamp(max=seq_len - 1)
    chunk = torch.arange(every, device=device)
    holds = ((first // chunk_size <= chunk) & (chunk <= last // chunk_size)).float()

    # How many pairs of a chunk in a query block and one in a key block see each other.
    before = _chunk_before(chunk, chunks, every, wrap)
    looks = holds[:, before] * (before != chunk)
    pairs = holds @ holds.T + holds @ looks.T
    number = holds.sum(1)
    whole = (last - first == BLOCK - 1)[:, 0]
    inside = (pairs == number[:, None] * number) & whole & whole[:, None]
    return block_mask(pairs > 0, inside, _mask_mod(chunk_size, chunks, every, wrap), seq_len)


@lru_cache(maxsize=32)
def _kept_chunk_mask(
    chunk_size: int, chunks: int, rounds: int, wrap: str, device: torch.device
) -> BlockMask:
    return mask_to_keep(lambda: chunk_mask(chunk_size, chunks, rounds, wrap, device), device)


def _mask_mod(chunk_size: int, chunks: int, every: int, wrap: str) -> _MaskMod:
    def mask_mod(b: Tensor, head: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        mine, theirs = q // chunk_size, kv // chunk_size
        return (theirs == mine) | (theirs == _chunk_before(mine, chunks, every, wrap))

    return mask_mod


def _chunk_before(chunk: Tensor, chunks: int, every: int, wrap: str) -> Tensor:
    """The chunk that each one looks back at; itself if at nothing."""
    if wrap == "flat":
        return torch.where(chunk == 0, every - 1, chunk - 1)
    opposite = chunk + chunks - 1 if wrap == "round" else chunk
    return torch.where(chunk % chunks == 0, opposite, chunk - 1)
