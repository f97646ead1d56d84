"""One round in sorted order, against loops over single slots."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask, random

from variants.lsh_slots import Looks, Slots, unit_length

BATCH, HEADS, ROUNDS = 2, 2, 3


def make_order(slots: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(BATCH, HEADS, ROUNDS, slots, generator=generator).argsort(-1)


@settings(max_examples=60, deadline=None)
@given(
    chunk_size=st.integers(1, 5),
    chunks=st.integers(1, 5),
    r=st.integers(0, ROUNDS - 1),
    causal=st.booleans(),
    wrap=st.sampled_from(["flat", "round", "none"]),
    padding=st.sampled_from(["none", "anywhere", "all"]),
    seed=st.integers(0, 100),
)
def test_windows_masks_and_sums_are_those_of_single_slots(
    chunk_size: int, chunks: int, r: int, causal: bool, wrap: str, padding: str, seed: int
) -> None:
    size = chunks * chunk_size
    order, mask = make_order(size, seed), make_mask(padding, BATCH, size, seed)
    exists = None if mask is None else ~mask
    slots = Slots(order, r, exists, Looks(chunk_size, causal, wrap), torch.float64)
    x = random(BATCH * HEADS * size, 3, seed=seed)
    chunk, window = slots.chunks(x), slots.windows(x)
    bias = slots.bias.clone()
    if slots.first_bias is not None:
        bias[:1] = slots.first_bias
    grad = random(*window.shape, seed=seed)
    total, want_total = torch.zeros_like(x), torch.zeros_like(x)

    for c, g in torch.cartesian_prod(torch.arange(chunks), torch.arange(BATCH * HEADS)).tolist():
        flat = order.view(-1, ROUNDS, chunks, chunk_size)[g]
        own = flat[r, c]
        round_before = r - 1 if wrap == "flat" and c == 0 else r
        before = flat[round_before, c - 1]
        seen = torch.cat([before, own])
        assert torch.equal(chunk[c, g], x[own + g * size])
        assert torch.equal(window[c, g], x[seen + g * size])
        want_total.index_add_(0, seen + g * size, grad[c, g])
        hidden = seen == own[:, None]
        hidden |= causal & (seen > own[:, None])
        if mask is not None:
            hidden |= mask[g // HEADS][seen]
        if c == 0 and wrap == "none":
            hidden[:, :chunk_size] = True
        assert torch.equal(
            bias[c, g], torch.zeros(hidden.shape).double().masked_fill(hidden, -torch.inf)
        )
        alone = torch.zeros(chunk_size).bool() if slots.alone is None else slots.alone[c, g]
        assert torch.equal(alone, hidden.all(-1))

    slots.add_keys(total, grad)
    torch.testing.assert_close(total, want_total, rtol=0, atol=1e-12)
    rows = chunk.transpose(1, 2).reshape(-1, 3)
    assert torch.equal(rows.index_select(0, slots.slot_of_token), x)


def test_windows_overlap_in_memory() -> None:
    slots = Slots(make_order(40, 0), 1, None, Looks(8, False, "flat"), torch.float32)
    window = slots.windows(random(BATCH * HEADS * 40, 3))
    assert window.untyped_storage().nbytes() == (40 + 8) * BATCH * HEADS * 3 * 8


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_vector_of_zeros_has_a_finite_direction_and_gradient(dtype: torch.dtype) -> None:
    x = random(4, 3, dtype=dtype)
    x[1] = 0
    x.requires_grad_()
    unit, length = unit_length(x)
    assert not unit[1].any()
    torch.testing.assert_close(unit * length, x)
    unit[[0, 2, 3]].sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
