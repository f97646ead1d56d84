from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layers import make_layer, random

import variants
from hatrick.cost import hatrick_cost
from variants import AttentionConfig


@given(
    batch=st.integers(1, 4),
    seq_len=st.integers(1, 500),
    chunk_size=st.integers(1, 64),
    causal=st.booleans(),
)
def test_it_has_the_flops_of_hatrick(
    batch: int, seq_len: int, chunk_size: int, causal: bool
) -> None:
    config = AttentionConfig(32, 4, causal=causal, chunk_size=chunk_size)
    mine, hatrick = (
        variants.get(name).cost(config, batch, seq_len, "forward")
        for name in ("matrix_product", "hatrick")
    )
    assert mine is not None
    assert hatrick is not None
    column = 2 * batch * seq_len * 32
    assert mine.flops % (64 * column) == 0
    assert abs(mine.flops - hatrick.flops) <= 64 * column / 2


def test_at_usual_sizes_it_is_within_a_hundredth() -> None:
    config = AttentionConfig(512, 8, chunk_size=128)
    mine, hatrick = (
        variants.get(name).cost(config, 1, 16384, "forward+backward")
        for name in ("matrix_product", "hatrick")
    )
    assert mine is not None
    assert hatrick is not None
    assert 0.99 < mine.flops / hatrick.flops < 1.01


@pytest.mark.parametrize("masked", [False, True])
def test_output_and_gradients_are_the_products(masked: bool) -> None:
    layer, x = make_layer("matrix_product"), random(2, 20, 8).requires_grad_()
    mask = torch.arange(20).expand(2, 20) >= 15 if masked else None
    y = layer(x, key_padding_mask=mask)
    rows = torch.tensor([0, 16, 3])
    torch.testing.assert_close(y, layer.oracle(x, mask))
    torch.testing.assert_close(y[:, rows], layer.oracle(x, mask, rows=rows))
    assert not masked or not y[:, 15:].any()
    upstream = random(2, 20, 8, seed=2)
    y.backward(upstream)
    seen = upstream if mask is None else upstream.masked_fill(mask[..., None], 0.0)
    torch.testing.assert_close(x.grad, seen @ layer.weight[:, :8].T)
    assert layer.weight.grad.shape == layer.weight.shape
    torch.testing.assert_close(layer.weight.grad[:, :8], torch.einsum("btd,bte->de", x, seen))


def test_its_weight_is_a_parameter_of_the_length() -> None:
    layer = make_layer("matrix_product", chunk_size=4)
    assert list(layer.parameters()) == []
    layer(random(1, 64, 8))
    first = layer.weight
    assert not first.requires_grad
    flops = hatrick_cost(8, 4, 1, 64).flops
    assert first.shape == (8, 64 * round(flops / (2 * 64 * 8) / 64))
    layer(random(1, 64, 8, seed=3))
    assert layer.weight is first
    layer(random(1, 256, 8))
    assert layer.weight.shape[1] > first.shape[1]
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_a_token_reaches_its_own_output_alone() -> None:
    layer = make_layer("matrix_product")
    jacobian = torch.autograd.functional.jacobian(layer.oracle, random(1, 5, 8))
    assert torch.equal(jacobian[0, :, :, 0].abs().amax(dim=(1, 3)) > 0, layer.visible(5))
