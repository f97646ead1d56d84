"""Functions as variants: they get a layer, an oracle and a place in every sweep."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from layers import make_layer, make_mask, random
from torch import Tensor
from torch.nn import functional as F

import variants
from variants import AttentionConfig


def strided(q: Tensor, k: Tensor, v: Tensor, *, causal, chunk_size, key_padding_mask) -> Tensor:
    """Sees every chunk_size-th key back from itself."""
    i = torch.arange(q.shape[2])
    pairs = (i[:, None] - i) % chunk_size == 0
    if causal:
        pairs = pairs.tril()
    if key_padding_mask is not None:
        pairs = pairs & ~key_padding_mask[:, None, None]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=pairs)


def rule(i: Tensor, j: Tensor, *, causal: bool, chunk_size: int) -> Tensor:
    seen = (i - j) % chunk_size == 0
    return seen & (j <= i) if causal else seen


@pytest.mark.parametrize("causal", [False, True])
def test_with_a_rule_it_has_an_oracle_of_its_own(registry: ModuleType, causal: bool) -> None:
    assert variants.register_core("strided", visible=rule)(strided) is strided
    layer = make_layer("strided", causal=causal, chunk_size=3)
    x, mask = random(2, 20, 8), make_mask("tail", 2, 20)
    got, want = layer(x, key_padding_mask=mask), layer.oracle(x, mask)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    assert type(layer).oracle_is_independent
    assert type(layer).summary == "Sees every chunk_size-th key back from itself."
    jacobian = torch.autograd.functional.jacobian(layer, x[:1])[0, :, :, 0]
    assert torch.equal(jacobian.abs().amax((1, 3)) > 1e-12, layer.visible(20))


def test_a_function_that_breaks_its_rule_is_found(registry: ModuleType) -> None:
    variants.register_core("wrong", visible=lambda i, j, *, causal, chunk_size: i == j)(strided)
    layer, x = make_layer("wrong"), random(1, 20, 8)
    assert (layer(x) - layer.oracle(x)).norm() > 0.1


def test_without_a_rule_it_is_compared_with_itself_in_float64(registry: ModuleType) -> None:
    variants.register_core("strided")(strided)
    layer = make_layer("strided", dtype=torch.float32)
    x = random(1, 20, 8, dtype=torch.float32)
    assert not type(layer).oracle_is_independent
    assert layer.oracle(x).dtype == torch.float64
    torch.testing.assert_close(layer(x).double(), layer.oracle(x), rtol=0, atol=1e-5)
    rows = torch.tensor([4, 1])
    torch.testing.assert_close(layer.oracle(x, rows=rows), layer.oracle(x)[:, rows])


def test_it_has_no_cost_model_and_says_so(registry: ModuleType) -> None:
    variants.register_core("strided", uses_chunk_size=False)(strided)
    cls = variants.get("strided")
    assert cls.cost(AttentionConfig(8, 2), 1, 16, "forward") is None
    assert not cls.uses_chunk_size


@pytest.mark.parametrize(("result", "got"), [(None, "NoneType"), (torch.zeros(3), r"\(3,\)")])
def test_a_wrong_result_is_a_sentence(registry: ModuleType, result: object, got: str) -> None:
    @variants.register_core("broken")
    def broken(q, k, v, *, causal, chunk_size, key_padding_mask):
        return result

    with pytest.raises(ValueError, match=rf"broken must return .* \(1, 2, 9, 4\), got {got}"):
        make_layer("broken")(random(1, 9, 8))


def test_a_rule_that_hides_the_token_itself(registry: ModuleType) -> None:
    """It still reaches its own output, by query and residual."""
    variants.register_core("past", visible=lambda i, j, *, causal, chunk_size: j < i)(strided)
    layer, x = make_layer("past"), random(1, 5, 8)
    jacobian = torch.autograd.functional.jacobian(layer.oracle, x)[0, :, :, 0]
    assert torch.equal(jacobian.abs().amax((1, 3)) > 1e-12, layer.visible(5))
