"""Projections on the faster matrix product."""

from __future__ import annotations

import pytest
import torch
from layers import random
from torch.nn import functional as F

from hatrick import linear as module
from hatrick.linear import Linear, fast_linear, linear, project

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN"
)


@needs_onednn
@pytest.mark.parametrize("with_bias", [False, True])
def test_outputs_and_gradients_are_those_of_f_linear(
    with_bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST_PRODUCTS", 0)
    x, weight, bias = (
        random(*shape, seed=i, dtype=torch.float32).requires_grad_()
        for i, shape in enumerate(((3, 5, 8), (6, 8), (6,)))
    )
    inputs = (x, weight, bias) if with_bias else (x, weight)
    assert fast_linear(15, x, weight)
    mine, theirs = linear(*inputs), F.linear(*inputs)
    assert mine.grad_fn is not None
    assert "Linear" in mine.grad_fn.name()
    torch.testing.assert_close(mine, theirs)
    grad = random(3, 5, 6, seed=9, dtype=torch.float32)
    for got, want in zip(
        torch.autograd.grad(mine, inputs, grad),
        torch.autograd.grad(theirs, inputs, grad),
        strict=True,
    ):
        torch.testing.assert_close(got, want)


@needs_onednn
def test_a_gradient_can_be_differentiated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_PRODUCTS", 0)
    x = random(4, 8, dtype=torch.float32).requires_grad_()
    weight = random(6, 8, seed=2, dtype=torch.float32).requires_grad_()
    second = []
    for function in (linear, F.linear):
        (grad,) = torch.autograd.grad(function(x, weight).square().sum(), x, create_graph=True)
        second.append(torch.autograd.grad(grad.square().sum(), weight)[0])
    torch.testing.assert_close(*second, rtol=1e-4, atol=1e-4)


@needs_onednn
def test_what_is_added_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, plus = (random(8, 8, seed=i, dtype=torch.float32) for i in range(3))
    before = plus.clone()
    with torch.no_grad():
        slow = project(x, weight, plus=plus)
        monkeypatch.setattr(module, "LEAST_PRODUCTS", 0)
        torch.testing.assert_close(project(x, weight, plus=plus), slow)
        torch.testing.assert_close(project(x, weight.t(), plus=plus), x @ weight + plus)
    assert torch.equal(plus, before)


@needs_onednn
def test_a_single_vector_and_forward_mode_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_PRODUCTS", 0)
    x, weight = random(8, dtype=torch.float32).requires_grad_(), random(6, 8, dtype=torch.float32)
    y = linear(x, weight)
    torch.testing.assert_close(y, F.linear(x, weight))
    (grad,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(grad, weight.sum(0))
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones(8))
        tangent = torch.autograd.forward_ad.unpack_dual(linear(dual, weight)).tangent
    torch.testing.assert_close(tangent, weight.sum(1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes_stay_with_pytorch(dtype: torch.dtype) -> None:
    x, weight = random(64, 256, dtype=dtype), random(256, 256, dtype=dtype)
    assert not fast_linear(1 << 20, x, weight)
    assert torch.equal(linear(x, weight), F.linear(x, weight))


def test_autocast_and_function_transforms_stay_with_pytorch() -> None:
    layer = Linear(256, 256)
    x = random(2, 64, 256, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    torch.testing.assert_close(torch.func.vmap(layer)(x), layer(x))
    gradient = torch.func.grad(lambda one: layer(one).sum())(x)
    torch.testing.assert_close(gradient, layer.weight.sum(0).expand_as(x))


def test_it_compiles_without_graph_breaks() -> None:
    layer = Linear(256, 256)
    x = random(64, 256, dtype=torch.float32)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), layer(x))
