"""The order of slots, by the radix sort of one row and by the sort of many."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask
from torch import Tensor

from variants.lsh_sorting import sort_by_bucket


def by_python(buckets: Tensor, mask: Tensor | None, chunk_size: int) -> Tensor:
    batch, heads, rounds, seq_len = buckets.shape
    slots = -(-seq_len // chunk_size) * chunk_size
    out = torch.empty(batch, heads, rounds, slots, dtype=torch.int64)
    for b, h, r in torch.cartesian_prod(*map(torch.arange, (batch, heads, rounds))).reshape(-1, 3):
        row = buckets[b, h, r].tolist()
        padded = [False] * seq_len if mask is None else mask[b].tolist()
        order = [t for t in range(seq_len) if not padded[t]]
        order.sort(key=row.__getitem__)
        order += [t for t in range(seq_len) if padded[t]]
        out[b, h, r] = torch.tensor([*order, *range(seq_len, slots)])
    return out


@settings(max_examples=60, deadline=None)
@given(
    seq_len=st.integers(1, 30),
    chunk_size=st.integers(1, 7),
    low=st.sampled_from([0, -5, 2**30]),
    far=st.sampled_from([0, 2**30]),
    dtype=st.sampled_from([torch.int32, torch.int64]),
    padding=st.sampled_from(["none", "tail", "anywhere", "all"]),
    seed=st.integers(0, 1000),
)
def test_tokens_are_sorted_by_bucket_then_position_with_padding_behind(
    seq_len: int, chunk_size: int, low: int, far: int, dtype: torch.dtype, padding: str, seed: int
) -> None:
    """`far` makes one bucket so large that the rows do not fit into one."""
    generator = torch.Generator().manual_seed(seed)
    buckets = (torch.randint(0, 5, (2, 3, 2, seq_len), generator=generator) + low).to(dtype)
    buckets[0, 0, 0, 0] = far
    mask = make_mask(padding, 2, seq_len, seed)
    got = sort_by_bucket(buckets, mask, chunk_size)
    assert torch.equal(got, by_python(buckets, mask, chunk_size))


@pytest.mark.parametrize("value", [torch.iinfo(torch.int64).max, torch.iinfo(torch.int64).min])
def test_buckets_at_the_ends_of_their_type_are_sorted_too(value: int) -> None:
    buckets = torch.tensor([3, value, 1]).view(1, 1, 1, 3)
    assert torch.equal(sort_by_bucket(buckets, None, 1), by_python(buckets, None, 1))


def test_compiled_it_is_the_same() -> None:
    buckets = torch.randint(0, 4, (1, 2, 2, 9), generator=torch.Generator().manual_seed(0))
    mask = make_mask("tail", 1, 9)
    compiled = torch.compile(sort_by_bucket, fullgraph=True, backend="eager", dynamic=False)
    assert torch.equal(compiled(buckets, mask, 4), sort_by_bucket(buckets, mask, 4))
