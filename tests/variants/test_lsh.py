"""LSH attention: the golden cases, hashing, and what only it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_layer, make_mask, random
from torch import Tensor

from variants import oracles
from variants.lsh import lsh_attention
from variants.lsh_hashing import bucket_count, hash_buckets

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("lsh_*.npz"))


def dense(
    qk: Tensor, v: Tensor, buckets: Tensor, mask: Tensor | None = None, **kwargs: object
) -> Tensor:
    """The formula of the design: softmax(scores + log C) v, or a token's own value."""
    rows = torch.arange(qk.shape[2])
    counts = oracles.lsh_counts(buckets, rows, key_padding_mask=mask, **kwargs)  # type: ignore[arg-type]
    key = qk / qk.norm(dim=-1, keepdim=True)
    mixed = oracles.multiset_attention(qk, key, v, counts, qk.shape[-1] ** -0.5)
    return torch.where((counts > 0).any(-1, keepdim=True), mixed, v)


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_published_outputs_and_gradients(path: Path, backend: str) -> None:
    case = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    qk, v = (case[name][None].requires_grad_() for name in ("qk", "v"))
    out = lsh_attention(
        qk,
        v,
        chunk_size=int(case["chunk_size"]),
        rounds=int(case["rounds"]),
        causal=bool(case["causal"]),
        scale=float(case["scale"]),
        buckets=case["buckets"][None],
        backend=backend,
    )
    (out * case["grad_out"]).sum().backward()
    for got, want in ((out, "out"), (qk.grad, "grad_qk"), (v.grad, "grad_v")):
        torch.testing.assert_close(got[0], case[want], rtol=0, atol=1e-10)


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@settings(max_examples=60, deadline=None)
@given(
    seq_len=st.integers(1, 40),
    chunk_size=st.integers(1, 9),
    rounds=st.integers(1, 4),
    causal=st.booleans(),
    wrap=st.sampled_from(["flat", "round", "none"]),
    padding=st.sampled_from(["none", "tail", "anywhere"]),
    seed=st.integers(0, 1000),
)
def test_equals_one_softmax_over_the_multiset_of_visible_keys(
    backend: str,
    seq_len: int,
    chunk_size: int,
    rounds: int,
    causal: bool,
    wrap: str,
    padding: str,
    seed: int,
) -> None:
    qk, v = (random(2, 2, seq_len, 4, seed=seed + i).requires_grad_() for i in range(2))
    mask = make_mask(padding, 2, seq_len, seed)
    generator = torch.Generator().manual_seed(seed)
    count = bucket_count(seq_len, chunk_size)
    buckets = torch.randint(0, count, (2, 2, rounds, seq_len), generator=generator)
    shared = {"chunk_size": chunk_size, "causal": causal, "wrap": wrap}
    got = lsh_attention(
        qk, v, rounds=rounds, buckets=buckets, key_padding_mask=mask, backend=backend, **shared
    )
    want = dense(qk, v, buckets, mask, **shared)
    valid = torch.ones(2, seq_len).bool() if mask is None else ~mask
    got, want = (t.transpose(1, 2)[valid] for t in (got, want))
    torch.testing.assert_close(got, want, rtol=0, atol=1e-10)
    upstream = random(*got.shape, seed=seed + 2)
    for mine, theirs in zip(
        torch.autograd.grad(got, (qk, v), upstream),
        torch.autograd.grad(want, (qk, v), upstream, materialize_grads=True),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)


def test_hashing_is_the_argmax_over_rotations_and_their_negatives() -> None:
    x = random(2, 3, 40, 8)
    got = hash_buckets(x, chunk_size=8, rounds=3, generator=torch.Generator().manual_seed(7))
    rotations = torch.randn(3, 8, 3, generator=torch.Generator().manual_seed(7)).double()
    for b, h, r, t in ((0, 0, 0, 0), (1, 2, 2, 39), (0, 1, 1, 17)):
        values = x[b, h, t] @ rotations[r]
        assert got[b, h, r, t] == torch.cat([values, -values]).argmax()
    assert got.shape == (2, 3, 3, 40)
    assert int(got.max()) < 6
    assert int(got.min()) >= 0


def test_equal_vectors_share_a_bucket_and_opposite_ones_never_do() -> None:
    x = random(1, 1, 20, 8)
    x[0, 0, 10], x[0, 0, 11] = 3 * x[0, 0, 0], -x[0, 0, 0]
    buckets = hash_buckets(x, chunk_size=4, rounds=8)[0, 0]
    assert torch.equal(buckets[:, 10], buckets[:, 0])
    assert not (buckets[:, 11] == buckets[:, 0]).any()


@pytest.mark.parametrize(
    ("seq_len", "chunk_size", "count"), [(64, 8, 8), (65, 8, 10), (8, 8, 2), (1, 8, 2), (24, 8, 4)]
)
def test_bucket_count_is_even_and_one_a_chunk(seq_len: int, chunk_size: int, count: int) -> None:
    assert bucket_count(seq_len, chunk_size) == count


def test_nothing_touches_the_global_random_state() -> None:
    layer = make_layer("lsh", dim=16, heads=4)
    before = torch.get_rng_state()
    layer(random(1, 30, 16))
    lsh_attention(*(random(1, 2, 9, 4, seed=i) for i in range(2)), chunk_size=4, rounds=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_same_input_hashes_the_same_way_unless_told_otherwise() -> None:
    layer, x = make_layer("lsh"), random(1, 64, 8)
    assert torch.equal(layer(x), layer(x))
    other = layer(x, generator=torch.Generator().manual_seed(99))
    assert not torch.equal(layer(x), other)
    assert not torch.equal(make_layer("lsh", seed=0)(x), other)


def test_buckets_passed_to_the_layer_are_used_by_it_and_its_oracle() -> None:
    layer, x = make_layer("lsh"), random(1, 32, 8)
    buckets = torch.randint(0, 8, (1, 2, 4, 32), generator=torch.Generator().manual_seed(1))
    got = layer(x, buckets=buckets)
    torch.testing.assert_close(got, layer.oracle(x, buckets=buckets), rtol=0, atol=1e-10)
    assert not torch.allclose(got, layer(x))


def test_one_bucket_in_one_chunk_is_full_attention_without_self() -> None:
    qk, v = (random(1, 2, 12, 4, seed=i) for i in range(2))
    out = lsh_attention(
        qk, v, chunk_size=12, rounds=1, buckets=torch.zeros(1, 2, 1, 12, dtype=torch.int64)
    )
    scores = qk @ (qk / qk.norm(dim=-1, keepdim=True)).transpose(-1, -2) / 2
    scores = scores.masked_fill(torch.eye(12, dtype=torch.bool), float("-inf"))
    torch.testing.assert_close(out, torch.softmax(scores, -1) @ v, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_a_token_that_sees_nothing_else_gets_exactly_its_own_value(
    backend: str, dtype: torch.dtype
) -> None:
    qk, v = (random(1, 1, 6, 4, seed=i, dtype=dtype) for i in range(2))
    out = lsh_attention(
        qk,
        v,
        chunk_size=1,
        rounds=3,
        wrap="none",
        causal=True,
        backend=backend,
        buckets=torch.arange(6).flip(0).expand(1, 1, 3, 6),
    )
    # Sorted backwards, the one before a token is a later one: causal hides it.
    assert torch.equal(out, v)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wrap": "circular"}, "wrap must be flat, round or none, got 'circular'"),
        ({"chunk_size": 0}, "chunk_size and rounds must be at least 1, got 0 and 2"),
        ({"rounds": 0}, "chunk_size and rounds must be at least 1, got 4 and 0"),
        ({"backend": "fast"}, "no backend 'fast'; choose from auto, sdpa, flex, plain"),
        ({"buckets": torch.zeros(1, 2, 9)}, r"\(1, 2, 2, 9\), got torch.float32 \(1, 2, 9\)"),
        ({"buckets": torch.zeros(1, 2, 2, 9).bool()}, "must be int64 or int32 .* got torch.bool"),
        ({"backend": "flex"}, "backend 'flex' cannot run here"),
    ],
)
def test_bad_arguments(change: dict[str, object], message: str) -> None:
    qk, v = (random(1, 2, 9, 4, seed=i).requires_grad_() for i in range(2))
    with pytest.raises(ValueError, match=message):
        lsh_attention(qk, v, **({"chunk_size": 4, "rounds": 2} | change))
