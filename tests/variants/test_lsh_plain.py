"""One round at a time, against attention written out by slots."""

from __future__ import annotations

import pytest
import torch
from layers import random

from variants.lsh_gather import Gather
from variants.lsh_plain import attend_plain


@pytest.mark.parametrize("wrap", ["flat", "round", "none"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_each_round_is_a_softmax_over_two_chunks(padded: bool, causal: bool, wrap: str) -> None:
    n, rounds, chunks, c, d = 2, 3, 3, 2, 4
    order = torch.rand(n, rounds, chunks * c, generator=torch.Generator().manual_seed(1)).argsort(
        -1
    )
    query, key, value = (random(n, chunks * c, d, seed=i) for i in range(3))
    exists = torch.arange(chunks * c).expand(n, -1) < 5 if padded else None
    mixed, lse = attend_plain(
        query,
        key,
        value,
        Gather(order),
        exists,
        chunk_size=c,
        causal=causal,
        wrap=wrap,
        scale=0.5,
    )
    for i, r, s in torch.cartesian_prod(*map(torch.arange, (n, rounds, chunks * c))).tolist():
        chunk, token = s // c, int(order[i, r, s])
        before = (r, chunk - 1) if chunk else (r - 1 if wrap == "flat" else r, chunks - 1)
        places = [(r, chunk)] if wrap == "none" and chunk == 0 else [(r, chunk), before]
        seen = [int(t) for q, p in places for t in order[i, q, p * c : (p + 1) * c]]
        seen = [t for t in seen if t != token and not (causal and t > token)]
        seen = [t for t in seen if not (padded and t >= 5)]
        if not seen:
            assert torch.isneginf(lse[i, r, s])
            assert mixed[i, r, s].isfinite().all()
            continue
        scores = key[i, seen] @ query[i, token] * 0.5
        torch.testing.assert_close(lse[i, r, s], scores.logsumexp(0))
        torch.testing.assert_close(mixed[i, r, s], scores.softmax(0) @ value[i, seen])
