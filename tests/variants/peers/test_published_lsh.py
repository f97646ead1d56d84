"""What both published LSH attentions must do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import pytest
import torch
from layers import make_layer, random

import variants
from variants import AttentionConfig, Variant

pytest.importorskip("reformer_pytorch")
pytest.importorskip("transformers")

NAMES = ("reformer_pytorch", "hf_reformer")


def make(name: str, **options: object) -> Variant:
    """A layer; without the 1e-6 that the norm of transformers adds, for tight bounds."""
    layer = make_layer(name, **options)
    if name == "hf_reformer":
        layer.attention._len_norm = partial(layer.attention._len_norm, epsilon=0.0)
    return layer


@pytest.mark.parametrize("seq_len", [16, 40])
@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_with_the_same_hashes_it_is_the_function_of_lsh(
    name: str, causal: bool, rounds: int, seq_len: int, equals_oracle_and_own: Callable[..., None]
) -> None:
    layer = make(name, causal=causal, rounds=rounds)
    own = make_layer("lsh", causal=causal, rounds=rounds)
    x = random(2, seq_len, 8)
    for hashed_by in (own, layer):
        buckets = hashed_by.buckets(hashed_by.split(x)[0])
        assert buckets.shape == (2, 2, rounds, seq_len)
        assert int(buckets.min()) >= 0
        assert int(buckets.max()) < seq_len // 4
        # A log-sum-exp of -1e5 has eleven digits after the point, and its exp no more.
        equals_oracle_and_own(layer, own, seq_len, atol=1e-9, buckets=buckets)


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_gets_the_hashes_that_the_call_draws(name: str) -> None:
    layer, x = make(name), random(2, 64, 8)
    torch.testing.assert_close(layer(x), layer.oracle(x), rtol=0, atol=1e-9)
    qk, value = layer.split(x)
    want = layer.core_oracle(qk, value)
    torch.testing.assert_close(layer.core(qk, value), want, rtol=0, atol=1e-9)
    other = layer.core_oracle(qk, value, buckets=make_layer("lsh").buckets(qk))
    assert not torch.allclose(want, other, rtol=0, atol=1e-3)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_call_repeats_and_leaves_the_random_state_alone(name: str, training: bool) -> None:
    layer, x = make_layer(name).train(training), random(1, 16, 8)
    before = torch.get_rng_state()
    first = layer(x)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(make_layer(name, seed=0).buckets(layer.split(x)[0]), _others(name, x))


def _others(name: str, x: torch.Tensor) -> torch.Tensor:
    layer = variants.create(
        name, AttentionConfig(8, 2, chunk_size=4), dtype=torch.float64, seed=1, rounds=4
    )
    layer.load_state_dict(make_layer(name).state_dict())
    found: torch.Tensor = layer.buckets(layer.split(x)[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_training_call_keeps_nothing(name: str) -> None:
    layer, x = make_layer(name).train(), random(1, 16, 8).requires_grad_()
    layer(x).sum().backward()
    held = [v for m in layer.modules() for v in vars(m).values() if isinstance(v, dict)]
    kept = [t for d in held for t in d.values() if isinstance(t, torch.Tensor)]
    assert all(isinstance(t, torch.nn.Parameter) or t.dim() == 0 for t in kept)


def test_another_look_back_than_the_published_one_is_refused() -> None:
    with pytest.raises(ValueError, match="wrap='round': Input should be 'flat'"):
        make_layer("hf_reformer", wrap="round")


def test_a_generator_hashes_as_lsh_does_with_it() -> None:
    x = random(1, 16, 8)
    outputs = [
        make(name)(x, generator=torch.Generator().manual_seed(5))
        for name in ("reformer_pytorch", "hf_reformer", "lsh")
    ]
    for y in outputs[:2]:
        torch.testing.assert_close(y, outputs[2], rtol=0, atol=1e-9)


def test_no_package_is_imported_with_the_adapters() -> None:
    modules = sys.modules["variants.peers"].__all__
    for name in modules:
        source = vars(sys.modules[f"variants.peers.{name}"])
        assert not {"LSHAttention", "LSHSelfAttention", "LocalAttention"} & source.keys()


@pytest.mark.parametrize(("name", "off"), [("reformer_pytorch", 1e-4), ("hf_reformer", 1e-3)])
def test_in_float32_a_token_that_sees_nothing_loses_a_share_of_its_value(
    name: str, off: float
) -> None:
    for rounds, least, most in ((1, 0.0, 1e-6), (4, off, 1e-2)):
        layer = make_layer(
            name, dim=32, heads=4, chunk_size=8, causal=True, dtype=torch.float32, rounds=rounds
        )
        qk, value = (random(1, 4, 64, 8, seed=seed, dtype=torch.float32) for seed in (1, 2))
        got, want = layer.core(qk, value), layer.core_oracle(qk, value)
        assert torch.equal(want[:, :, 0], value[:, :, 0].double())
        error = (got - want)[:, :, 0].norm() / want[:, :, 0].norm()
        assert least <= error <= most
