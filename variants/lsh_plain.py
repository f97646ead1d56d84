"""LSH attention with the scores of all chunks of all rounds materialised."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from variants.lsh_gather import Gather


def attend_plain(
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
    """Each round's output and log-sum-exp, the latter in float32 at least.

    Args:
        query, key, value: `(n, slots, d)`, in the order of tokens.
        exists: bool `(n, slots)`, False = no key for anyone; None = all exist.

    Returns:
        `(n, rounds, slots, d)` and `(n, rounds, slots)`; as `Gather.join` takes them.
    """

    def with_previous(x: Tensor) -> Tensor:
        """Each chunk followed by the one it looks back at: `(n, chunks, 2 · chunk_size, …)`."""
        chunks = x.unflatten(2, (-1, chunk_size))
        if wrap == "flat":
            before = chunks.flatten(1, 2).roll(1, dims=1)
        else:
            before = chunks.roll(1, dims=2).flatten(1, 2)
        return torch.cat([chunks.flatten(1, 2), before], dim=2)

    there = None
    if exists is not None:
        there = with_previous(exists.gather(1, gather.position.flatten(1)).view_as(gather.position))
    own = gather.position.unflatten(2, (-1, chunk_size)).flatten(1, 2)
    hidden = _hidden(own, with_previous(gather.position), there, causal)
    if wrap == "none":
        hidden[:, :: gather.position.shape[2] // chunk_size, :, chunk_size:] = True
    # Another token of its own chunk is always there to be seen, unless more is hidden.
    nobody_alone = exists is None and not causal and chunk_size > 1
    alone = None if nobody_alone else hidden.all(-1)

    q = gather.to_slots(query).unflatten(2, (-1, chunk_size)).flatten(1, 2)
    k, v = (with_previous(gather.to_slots(t)) for t in (key, value))
    # In half precision the log-sum-exps would be rounded to where rounds are weighted wrongly.
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = torch.matmul(q, k.transpose(-2, -1)).to(wide) * scale
    scores = scores.masked_fill(hidden, float("-inf"))
    if alone is not None:  # a softmax over nothing has no gradient that could be ignored later
        scores = scores.masked_fill(alone[..., None], 0.0)
    mixed = torch.matmul(torch.softmax(scores, dim=-1).to(v.dtype), v)
    lse = torch.logsumexp(scores, dim=-1)
    if alone is not None:
        lse = lse.masked_fill(alone, float("-inf"))
    shape = gather.position.shape
    return mixed.view(*shape, -1), lse.view(shape)


def _hidden(query: Tensor, key: Tensor, there: Tensor | None, causal: bool) -> Tensor:
    """Which keys of its window a query must not see: bool `(n, chunks, chunk_size, 2 · chunk_size)`
    from the positions of both and whether a key is there."""
    query, key = query[..., None], key[:, :, None]
    blocked = [query == key]
    if there is not None:
        blocked.append(~there[:, :, None])
    if causal:
        blocked.append(key > query)
    return reduce(torch.logical_or, blocked)
