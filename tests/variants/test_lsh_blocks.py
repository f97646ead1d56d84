"""What the blocks of heads promise besides the right answer, which test_lsh checks."""

from __future__ import annotations

import pytest
import torch
from layers import make_mask, random
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from variants import lsh_blocks
from variants.lsh import lsh_attention
from variants.lsh_blocks import attend_blocks, block_size


def grads(out: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(out, inputs, random(*out.shape, seed=9).to(out.dtype))


@pytest.mark.parametrize("padding", ["none", "tail"])
@pytest.mark.parametrize("heads_at_a_time", [1, 2, 3, 6])
def test_how_many_heads_go_together_changes_nothing(
    heads_at_a_time: int, padding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    qk, v = (random(5, 3, 40, 4, seed=i).requires_grad_() for i in range(2))
    mask = make_mask(padding, 5, 40)

    def call() -> tuple[Tensor, ...]:
        out = lsh_attention(qk, v, chunk_size=8, rounds=3, key_padding_mask=mask, backend="sdpa")
        return out, *grads(out, qk, v)

    want = call()
    monkeypatch.setattr(lsh_blocks, "BLOCK_ELEMENTS", heads_at_a_time * 40 * 4)
    for mine, theirs in zip(call(), want, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("batch", "heads", "slots", "expected"),
    [(4, 8, 8192, (1, 1)), (4, 8, 2**20, (1, 1)), (4, 8, 2048, (1, 4)), (4, 8, 512, (2, 8))],
)
def test_blocks_are_of_one_size_in_elements(
    batch: int, heads: int, slots: int, expected: tuple[int, int]
) -> None:
    assert block_size(batch, heads, slots, 64) == expected


def test_tensors_in_any_layout_do() -> None:
    qk, v = (random(2, 30, 3, 4, seed=i).transpose(1, 2).requires_grad_() for i in range(2))
    out = lsh_attention(qk, v, chunk_size=8, rounds=2, backend="sdpa")
    dense = [t.detach().contiguous().requires_grad_() for t in (qk, v)]
    want = lsh_attention(*dense, chunk_size=8, rounds=2, backend="sdpa")
    assert torch.equal(out, want)
    upstream = torch.ones(()).double().expand_as(out)
    for mine, theirs in zip(
        torch.autograd.grad(out, (qk, v), upstream),
        torch.autograd.grad(want, dense, upstream),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("exists", [None, torch.arange(24)[None] < 20])
@pytest.mark.parametrize("causal", [False, True])
def test_to_the_compiler_it_is_one_well_formed_operation(
    causal: bool, exists: Tensor | None
) -> None:
    qk, v = (random(1, 2, 21, 4, seed=i).requires_grad_() for i in range(2))
    order = torch.rand(1, 2, 3, 24, generator=torch.Generator().manual_seed(0)).argsort(-1)
    torch.library.opcheck(lsh_blocks._forward, (qk, v, order, exists, 8, causal, "flat", 0.5))


def test_a_second_derivative_is_refused() -> None:
    qk, v = (random(1, 1, 16, 4, seed=i).requires_grad_() for i in range(2))
    out = lsh_attention(qk, v, chunk_size=8, rounds=2, backend="sdpa")
    (first,) = torch.autograd.grad(out.sum(), qk, create_graph=True)
    with pytest.raises(RuntimeError):
        first.sum().backward()


def test_memory_does_not_grow_with_all_rounds_of_all_heads() -> None:
    """Of what is held while it works, only the result and the order of slots do."""
    batch, heads, seq_len, head_dim, rounds = 1, 16, 2048, 64, 8
    qk, v = (random(batch, heads, seq_len, head_dim, seed=i).float() for i in range(2))
    order = torch.rand(batch, heads, rounds, seq_len).argsort(-1)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        attend_blocks(
            qk, v, order, None, chunk_size=64, causal=False, wrap="flat", scale=head_dim**-0.5
        )
    events = recorded.profiler.kineto_results.events()
    taken = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    now = peak = 0
    for _, nbytes in taken:
        now += nbytes
        peak = max(peak, now)
    block = lsh_blocks.BLOCK_ELEMENTS * 4
    assert qk.nbytes + 4 * block < peak < qk.nbytes + 10 * block
