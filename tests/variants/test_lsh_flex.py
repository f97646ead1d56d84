"""FlexAttention's path. It gives a log-sum-exp on CUDA only; its eager form gives one everywhere,
and a gradient too once its check of the device is out of the way."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask, random
from torch.nn.attention import flex_attention as module

from hatrick.flex import BLOCK
from variants.lsh import lsh_attention
from variants.lsh_flex import chunk_mask


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("variants.lsh_flex.flex_kernel", lambda device: module.flex_attention)
    monkeypatch.setattr("variants.lsh_rounds.rounds_reason", lambda *_, **__: "")
    monkeypatch.setattr(module, "_validate_device", lambda *_: None)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("seq_len", "chunk_size", "rounds", "causal", "wrap", "padding"),
    [
        (64, 8, 2, False, "flat", "none"),
        (150, 20, 3, False, "flat", "none"),
        (90, 9, 4, True, "flat", "anywhere"),
        (40, 8, 2, True, "round", "none"),
        (21, 4, 3, True, "none", "tail"),
        (5, 8, 3, False, "flat", "tail"),
        (6, 1, 3, True, "flat", "none"),
    ],
)
def test_outputs_and_gradients_equal_the_plain_ones(
    seq_len: int, chunk_size: int, rounds: int, causal: bool, wrap: str, padding: str
) -> None:
    qk, v = (random(2, 2, seq_len, 16, seed=i).float().requires_grad_() for i in range(2))
    mask = make_mask(padding, 2, seq_len, 3)
    valid = torch.ones(2, seq_len).bool() if mask is None else ~mask
    upstream = random(2, 2, seq_len, 16, seed=2).float() * valid[:, None, :, None]
    results = []
    for backend in ("flex", "plain"):
        out = lsh_attention(
            qk,
            v,
            chunk_size=chunk_size,
            rounds=rounds,
            causal=causal,
            wrap=wrap,  # type: ignore[arg-type]
            key_padding_mask=mask,
            backend=backend,
        )
        results.append((out.transpose(1, 2)[valid], *torch.autograd.grad(out, (qk, v), upstream)))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
@pytest.mark.usefixtures("eager")
def test_a_token_that_sees_nothing_else_gets_its_own_value_and_gradient() -> None:
    """Sorted backwards in chunks of one, what stands before a token is a later one."""
    qk, v = (random(1, 1, 6, 16, seed=i).float().requires_grad_() for i in range(2))
    buckets = torch.arange(6).flip(0).expand(1, 1, 3, 6)
    out = lsh_attention(
        qk,
        v,
        chunk_size=1,
        rounds=3,
        wrap="none",
        causal=True,
        backend="flex",
        buckets=buckets,
    )
    assert torch.equal(out, v)
    upstream = random(1, 1, 6, 16, seed=2).float()
    grad_qk, grad_v = torch.autograd.grad(out, (qk, v), upstream)
    assert not grad_qk.any()
    assert torch.equal(grad_v, upstream)


@settings(max_examples=40, deadline=None)
@given(
    chunk_size=st.sampled_from([1, 5, 64, 100, 128, 200, 256]),
    chunks=st.integers(1, 6),
    rounds=st.integers(1, 4),
    wrap=st.sampled_from(["flat", "round", "none"]),
)
def test_the_block_mask_is_that_of_all_pairs_of_slots(
    chunk_size: int, chunks: int, rounds: int, wrap: str
) -> None:
    mask = chunk_mask(chunk_size, chunks, rounds, wrap, torch.device("cpu"))
    slots = rounds * chunks * chunk_size
    want = torch.zeros(slots, slots, dtype=torch.bool)
    for chunk in range(rounds * chunks):
        before = chunk - 1
        if wrap == "flat":
            before %= rounds * chunks
        elif chunk % chunks == 0:
            before = chunk + chunks - 1 if wrap == "round" else chunk
        own, looks = (slice(c * chunk_size, (c + 1) * chunk_size) for c in (chunk, before))
        want[own, own] = want[own, looks] = True

    here = torch.arange(slots)
    nobody = torch.zeros((), dtype=torch.int64)
    assert torch.equal(mask.mask_mod(nobody, nobody, here[:, None], here[None]), want)
    blocks = -(-slots // BLOCK)
    whole = torch.zeros(blocks * BLOCK, blocks * BLOCK, dtype=torch.bool)
    whole[:slots, :slots] = want
    tiles = whole.view(blocks, BLOCK, blocks, BLOCK).transpose(1, 2).flatten(2)
    assert torch.equal(mask.to_dense()[0, 0].bool(), tiles.any(-1))
    assert mask.full_kv_num_blocks is not None
    assert torch.equal(mask.full_kv_num_blocks[0, 0].long(), tiles.all(-1).sum(1))
