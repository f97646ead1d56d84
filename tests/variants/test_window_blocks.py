"""Sliding-window attention by blocks of queries: the form that needs no operator of its own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask, random

from variants import oracles
from variants.window_blocks import QUERY_BLOCK, window_blocks


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@settings(max_examples=30, deadline=None)
@given(
    blocks=st.integers(0, 3),
    rest=st.integers(1, QUERY_BLOCK),
    left=st.integers(0, 300),
    right=st.integers(0, 300),
    padding=st.sampled_from(["none", "tail", "anywhere", "all"]),
)
def test_output_and_gradients_of_any_window(
    backend: str, blocks: int, rest: int, left: int, right: int, padding: str
) -> None:
    seq_len = blocks * QUERY_BLOCK + rest
    left, right = min(left, seq_len - 1), min(right, seq_len - 1)
    q, k, v = (random(2, 1, seq_len, 4, seed=i).requires_grad_() for i in range(3))
    mask = make_mask(padding, 2, seq_len)
    valid = None if mask is None else ~mask
    counts = oracles.window_counts(seq_len, left, right, torch.arange(seq_len))
    if valid is not None:
        counts = counts & valid[:, None, None]
    got = window_blocks(q, k, v, left, right, valid, backend)
    want = oracles.multiset_attention(q, k, v, counts, 0.5)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    upstream = random(2, 1, seq_len, 4, seed=9)
    mine, theirs = (torch.autograd.grad(y, (q, k, v), upstream) for y in (got, want))
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)
