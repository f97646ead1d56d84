"""The rotations that a layer keeps: the ones it would have drawn, and drawn once."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_layer, random
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from variants import lsh_hashing
from variants.lsh_hashing import Rotations, draw_rotations, hash_buckets


def by_generator(qk: Tensor, seed: int, *, chunk_size: int = 4, rounds: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return hash_buckets(qk, chunk_size=chunk_size, rounds=rounds, generator=generator)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often rotations were drawn: an entry each time."""
    draws: list[int] = []

    def counted(*args: int, **kwargs: int) -> Tensor:
        draws.append(1)
        return draw_rotations(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(lsh_hashing, "draw_rotations", counted)
    return draws


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 70), min_size=1, max_size=4),
    chunk_size=st.integers(1, 12),
    rounds=st.integers(1, 3),
    seed=st.integers(0, 50),
)
def test_kept_rotations_hash_as_a_generator_of_the_same_seed(
    lengths: list[int], chunk_size: int, rounds: int, seed: int
) -> None:
    rotations = Rotations(seed, rounds)
    for seq_len in lengths:
        for dtype in (torch.float64, torch.float32, torch.bfloat16):
            qk = random(1, 2, seq_len, 4, seed=seed, dtype=dtype)
            want = by_generator(qk, seed, chunk_size=chunk_size, rounds=rounds)
            assert torch.equal(rotations.buckets(qk, chunk_size), want)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_of_equal_products_the_first_decides(dtype: torch.dtype) -> None:
    """As argmax over [xR; −xR] does, also where an index is no number of the dtype."""
    x = random(50, 700, dtype=dtype).round()
    want = torch.cat([x, -x], dim=-1).argmax(-1)
    assert torch.equal(lsh_hashing._argmax(x.clone(), 700), want)
    zeros = torch.zeros(3, 700, dtype=dtype)
    assert not lsh_hashing._argmax(zeros, 700).any()


def test_what_is_not_a_number_falls_into_a_bucket_that_exists() -> None:
    x = random(1, 1, 8, 4).masked_fill(torch.arange(8)[:, None] == 3, float("nan"))
    assert 0 <= int(hash_buckets(x, chunk_size=2, rounds=2)[..., 3].max()) < 4


def test_they_are_drawn_once_for_each_number_of_buckets_and_dtype(drawn: list[int]) -> None:
    layer, x = make_layer("lsh", dtype=torch.float32), random(1, 30, 8, dtype=torch.float32)
    for _ in range(3):
        layer.train()(x).sum().backward()
        layer.eval()(x)
        layer(x[:, :29])
    assert len(drawn) == 1
    layer(x[:, :20])
    layer.to(torch.bfloat16)(x.bfloat16())
    layer.to(torch.float32)(x)
    assert len(drawn) == 3


def test_a_dtype_changed_back_hashes_with_the_unrounded_rotations() -> None:
    layer, qk = make_layer("lsh", dtype=torch.float32), random(1, 2, 600, 4, dtype=torch.float32)
    layer.to(torch.bfloat16).buckets(qk.bfloat16())
    assert torch.equal(layer.to(torch.float32).buckets(qk), by_generator(qk, 0))


def test_those_of_inference_mode_serve_training() -> None:
    layer, x = make_layer("lsh"), random(1, 30, 8)
    with torch.inference_mode():
        want = layer(x).clone()
    got = layer.train()(x)
    got.sum().backward()
    assert torch.equal(got, want)
    assert not any(kept.is_inference() for kept in layer._rotations._kept.values())


def test_a_fake_tensor_is_not_kept() -> None:
    rotations, qk = Rotations(0, 4), random(1, 2, 30, 4)
    with FakeTensorMode(allow_non_fake_inputs=True):
        rotations.buckets(torch.empty(1, 2, 30, 4, dtype=torch.float64), 4)
    assert torch.equal(rotations.buckets(qk, 4), by_generator(qk, 0))


def test_what_is_full_lets_go_of_nothing(drawn: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsh_hashing, "KEPT", 1)
    rotations, qk = Rotations(0, 4), random(1, 2, 30, 4)
    for seq_len in (30, 10, 10, 30):
        got = rotations.buckets(qk[:, :, :seq_len], 4)
        assert torch.equal(got, by_generator(qk[:, :, :seq_len], 0))
    assert len(drawn) - 4 == 3  # 30 once and 10 twice; and the four to compare with


def test_they_are_no_part_of_what_is_saved_or_copied() -> None:
    layer, x = make_layer("lsh"), random(1, 30, 8)
    names = set(layer.state_dict())
    y = layer(x)
    assert set(layer.state_dict()) == names
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert not other._rotations._kept
        assert torch.equal(other(x), y)


def test_compiled_whole_each_layer_hashes_with_its_own_seed() -> None:
    """The rotations are a constant to the compiler; a second layer runs the first one's code."""

    @torch.compile(fullgraph=True, backend="eager", dynamic=False)
    def call(layer: torch.nn.Module, x: Tensor) -> Tensor:
        out: Tensor = layer(x)
        return out

    layers = [make_layer("lsh"), make_layer("lsh")]
    layers[1]._rotations = Rotations(1, 4)
    x = random(1, 64, 8)
    with torch.no_grad():
        want = [layer(x) for layer in layers]
        assert not torch.equal(*want)
        for layer, y in zip(layers, want, strict=True):
            torch.testing.assert_close(call(layer, x), y, rtol=0, atol=1e-12)
