"""The block mask of a band, by counting; and why FlexAttention may not run."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hatrick import flex
from hatrick.flex import BLOCK, band_mask, flex_reason

CPU = torch.device("cpu")


@settings(max_examples=60, deadline=None)
@given(
    seq_len=st.integers(1, 600),
    left=st.integers(0, 700),
    right=st.integers(0, 700),
)
def test_band_mask_lists_the_blocks_that_are_touched_and_those_that_are_full(
    seq_len: int, left: int, right: int
) -> None:
    mask = band_mask(seq_len, left, right, CPU)
    query, key = torch.arange(seq_len)[:, None], torch.arange(seq_len)
    seen = (key >= query - left) & (key <= query + right)
    for row in range(-(-seq_len // BLOCK)):
        partial = set(mask.kv_indices[0, 0, row, : mask.kv_num_blocks[0, 0, row]].tolist())
        full = set(mask.full_kv_indices[0, 0, row, : mask.full_kv_num_blocks[0, 0, row]].tolist())
        assert not partial & full
        for column in range(-(-seq_len // BLOCK)):
            block = seen[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
            if column in full:
                assert block.shape == (BLOCK, BLOCK)
                assert block.all()
            elif column not in partial:
                assert not block.any()


@pytest.mark.parametrize(
    ("dtype", "training", "reason"),
    [
        (torch.float64, False, "takes float32, bfloat16 and float16, not torch.float64"),
        (torch.float32, True, "has no backward on CPU"),
    ],
)
def test_reasons(dtype: torch.dtype, training: bool, reason: str) -> None:
    assert reason in flex_reason(CPU, dtype, 64, training=training)


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    flex._cannot_compile_on_cpu.cache_clear()
    try:
        assert "needs a C++ compiler" in flex_reason(CPU, torch.float32, 64, training=False)
    finally:
        flex._cannot_compile_on_cpu.cache_clear()


def test_small_heads_are_refused_on_cuda() -> None:
    reason = flex_reason(torch.device("cuda"), torch.bfloat16, 8, training=True)
    assert reason == "FlexAttention takes a head_dim of at least 16 on cuda, not 8"
