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
    q_len=st.integers(1, 600),
    longer=st.integers(0, 300),
    left=st.integers(0, 700),
    right=st.integers(0, 700),
)
def test_band_mask_lists_the_blocks_that_are_touched_and_those_that_are_full(
    q_len: int, longer: int, left: int, right: int
) -> None:
    kv_len = q_len + longer
    mask = band_mask(q_len, kv_len, left, right, CPU)
    query = torch.arange(q_len)[:, None] + kv_len - q_len
    key = torch.arange(kv_len)
    seen = (key >= query - left) & (key <= query + right)
    for row in range(-(-q_len // BLOCK)):
        partial = set(mask.kv_indices[0, 0, row, : mask.kv_num_blocks[0, 0, row]].tolist())
        full = set(mask.full_kv_indices[0, 0, row, : mask.full_kv_num_blocks[0, 0, row]].tolist())
        assert not partial & full
        for column in range(-(-kv_len // BLOCK)):
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
    assert reason in flex_reason(CPU, dtype, training)


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    flex._cannot_compile_on_cpu.cache_clear()
    try:
        assert "needs a C++ compiler" in flex_reason(CPU, torch.float32, training=False)
    finally:
        flex._cannot_compile_on_cpu.cache_clear()
