"""Sliding-window attention by flash tiles: against the oracle, what it keeps, what it refuses."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask, random
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from variants import oracles, window_flash
from variants.sliding_window import sliding_window_attention
from variants.window_flash import backward_block, blind_queries, fits, forward_block


def inputs(*shape: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    return [random(*shape, seed=i, dtype=dtype).requires_grad_() for i in range(3)]


def oracle(x: list[Tensor], left: int, right: int, valid: Tensor | None) -> Tensor:
    seq_len, head_dim = x[0].shape[2:]
    counts = oracles.window_counts(seq_len, left, right, torch.arange(seq_len))
    if valid is not None:
        counts = counts & valid[:, None, None]
    query, key, value = x
    return oracles.multiset_attention(query, key, value, counts, head_dim**-0.5)


@settings(max_examples=60, deadline=None)
@given(
    seq_len=st.integers(1, 400),
    left=st.integers(0, 150),
    right=st.integers(0, 150),
    padding=st.sampled_from(["none", "tail", "anywhere", "all"]),
    tile_scores=st.sampled_from([1, 1 << 13, 1 << 22]),
    least_scores=st.sampled_from([0, 1 << 16]),
)
def test_output_and_gradients_however_it_is_tiled(
    seq_len: int, left: int, right: int, padding: str, tile_scores: int, least_scores: int
) -> None:
    left, right = min(left, seq_len - 1), min(right, seq_len - 1)
    x = inputs(2, 2, seq_len, 4)
    mask = make_mask(padding, 2, seq_len)
    valid = None if mask is None else ~mask
    upstream = random(2, 2, seq_len, 4, seed=9)
    with (
        patch.object(window_flash, "TILE_SCORES", tile_scores),
        patch.object(window_flash, "LEAST_SCORES", least_scores),
    ):
        got = window_flash.window_flash(*x, left=left, right=right, valid=valid, scale=0.5)
        mine = torch.autograd.grad(got, x, upstream)
    want = oracle(x, left, right, valid)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    theirs = torch.autograd.grad(want, x, upstream)
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


def test_a_block_is_a_power_of_two_that_grows_with_the_root_of_the_window() -> None:
    spans = [0, 64, 256, 511, 512, 2047, 2048, 16000]
    assert [backward_block(span) for span in spans] == [64, 64, 64, 64, 128, 128, 256, 512]
    assert [forward_block(span) for span in spans] == [32, 32, 32, 32, 32, 32, 64, 128]


def test_blind_queries_are_those_whose_whole_window_is_padding() -> None:
    valid = torch.tensor([[True, False, False, False, True, False]])
    assert blind_queries(valid, 1, 0).tolist() == [[False, False, True, True, False, False]]
    assert blind_queries(valid, 0, 9).tolist() == [[False, False, False, False, False, True]]


def test_a_gradient_that_is_not_a_number_at_a_blind_query_goes_nowhere() -> None:
    x = inputs(1, 1, 60, 4)
    valid = torch.arange(60)[None] < 20
    out = window_flash.window_flash(*x, left=3, right=3, valid=valid, scale=0.5)
    upstream = random(1, 1, 60, 4)
    want = torch.autograd.grad(out, x, upstream, retain_graph=True)
    upstream[:, :, 30:] = float("nan")
    assert not out[:, :, 30:].any()
    torch.testing.assert_close(torch.autograd.grad(out, x, upstream), want)


def test_any_strides_will_do() -> None:
    x = inputs(2, 70, 3, 4)
    views = [t.transpose(1, 2) for t in x]
    got = sliding_window_attention(*views, left=9, right=4)
    want = oracle(views, 9, 4, None)
    # A sum's gradient is one number, expanded: all strides are 0.
    torch.testing.assert_close(
        torch.autograd.grad(got.sum(), x), torch.autograd.grad(want.sum(), x)
    )
    columns = [t.mT.contiguous().mT for t in views]
    torch.testing.assert_close(sliding_window_attention(*columns, left=9, right=4), want)


def test_it_can_be_differentiated_again_but_not_twice() -> None:
    x = inputs(1, 1, 9, 4)
    out = sliding_window_attention(*x, left=2, right=2)
    loss = out.square().sum()
    first = torch.autograd.grad(loss, x, retain_graph=True)
    again = torch.autograd.grad(loss, x, create_graph=True)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        again[0].sum().backward()


def test_inference_mode() -> None:
    x = inputs(1, 2, 70, 4)
    with torch.inference_mode():
        got = sliding_window_attention(*x, left=5, right=5)
    torch.testing.assert_close(got, oracle(x, 5, 5, None))


def test_what_does_not_fit_goes_another_way() -> None:
    half, single = (torch.zeros(1, 1, 4, 4, dtype=t) for t in (torch.bfloat16, torch.float32))
    assert fits(half, half, half)
    assert not fits(half, single, single)
    meta = single.to("meta")
    assert not fits(meta, meta, meta)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert fits(half, half, half)
        assert not fits(single, single, single)
        assert sliding_window_attention(single, single, single, left=1, right=1).dtype == half.dtype


def test_compiles_into_one_graph() -> None:
    x = inputs(1, 2, 300, 4)
    compiled = torch.compile(sliding_window_attention, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*x, left=20, right=5), oracle(x, 20, 5, None))


def test_beyond_the_results_it_takes_no_more_than_tiles() -> None:
    x = inputs(1, 2, 16384, 16, dtype=torch.float32)
    one = x[0].nbytes
    with patch.object(window_flash, "TILE_SCORES", 1 << 16):
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            out = sliding_window_attention(*x, left=256, right=256)
            torch.autograd.grad(out, x, torch.ones_like(out))
        events = recorded.profiler.kineto_results.events()
        largest = max(e.nbytes() for e in events if e.name() == "[memory]")
    # Windows of all blocks would be 5 times the keys.
    assert largest == one
