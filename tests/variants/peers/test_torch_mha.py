from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from layers import make_layer, make_mask, random

import variants
from variants import AttentionConfig


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_the_layer_of_full(causal: bool, equals_oracle_and_own: Callable[..., None]) -> None:
    layer, own = (make_layer(name, causal=causal) for name in ("torch_mha", "full"))
    for seq_len in (7, 12, 1):  # the causal mask is made anew for each
        equals_oracle_and_own(layer, own, seq_len, atol=1e-10)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("padding", ["tail", "anywhere", "all"])
@pytest.mark.parametrize("causal", [False, True])
def test_padding_is_no_key_and_comes_out_as_zero(
    causal: bool, padding: str, gradients: bool
) -> None:
    layer, x = make_layer("torch_mha", causal=causal), random(2, 9, 8)
    mask = make_mask(padding, 2, 9, seed=3)
    assert mask is not None
    with torch.set_grad_enabled(gradients):
        got = layer(x.masked_fill(mask[..., None], torch.nan), key_padding_mask=mask)
    torch.testing.assert_close(got, layer.oracle(x, mask), rtol=0, atol=1e-10)
    assert not got[mask].any()


def test_its_parameters_are_those_of_full_and_move_with_them() -> None:
    layer, own = make_layer("torch_mha"), make_layer("full", seed=1)
    assert [n for n, _ in layer.named_parameters()] == [n for n, _ in own.named_parameters()]
    layer.load_state_dict(own.state_dict(), strict=False)
    x = random(1, 6, 8)
    torch.testing.assert_close(layer(x), own(x), rtol=0, atol=1e-12)
    half = layer.to(torch.float32)
    assert half.attention.in_proj_weight is half.in_proj.weight
    assert half(x.float()).dtype == torch.float32


def test_the_layer_draws_what_full_draws() -> None:
    weights = []
    for name in ("full", "torch_mha"):
        torch.manual_seed(3)
        weights.append(variants.create(name, AttentionConfig(8, 2)).in_proj.weight)
    assert torch.equal(*weights)


def test_it_has_no_core_to_time_alone() -> None:
    cls, config = variants.get("torch_mha"), AttentionConfig(8, 2)
    cpu = torch.device("cpu")
    assert "no core" in cls.support(config, cpu, torch.float32, scope="core").reason
    assert cls.support(config, cpu, torch.float32) == variants.Support(True, backend="own")


def test_dropout_acts_after_the_out_projection_in_training_only() -> None:
    layer = variants.create("torch_mha", AttentionConfig(8, 2, dropout=0.5))
    x = random(1, 16, 8, dtype=torch.float32)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x).double(), layer.oracle(x), rtol=0, atol=1e-5)
