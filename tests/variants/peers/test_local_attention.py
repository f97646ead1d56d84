from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_layer, random

pytest.importorskip("local_attention")


@pytest.mark.parametrize("seq_len", [3, 8, 21])
@pytest.mark.parametrize("chunk_size", [2, 4, 5])
@pytest.mark.parametrize("causal", [False, True])
def test_it_is_the_function_of_sliding_window(
    causal: bool, chunk_size: int, seq_len: int, equals_oracle_and_own: Callable[..., None]
) -> None:
    layer, own = (
        make_layer(name, causal=causal, chunk_size=chunk_size)
        for name in ("local_attention", "sliding_window")
    )
    equals_oracle_and_own(layer, own, seq_len, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(2, 12), st.booleans())
def test_any_length_is_padded_without_a_trace(seq_len: int, chunk_size: int, causal: bool) -> None:
    layer = make_layer("local_attention", causal=causal, chunk_size=chunk_size)
    tensors = tuple(random(1, 2, seq_len, 4, seed=seed) for seed in range(3))
    got, want = layer.core(*tensors), layer.core_oracle(*tensors)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-10)
