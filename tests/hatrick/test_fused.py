"""The fused path against the stepwise one, gradients included."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask, random
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hatrick import HATrick, backends, blocks, linear


def pair(dim: int, heads: int, chunk_size: int, *, causal: bool = False) -> tuple[HATrick, HATrick]:
    """A fused and a plain layer with the same random parameters, in float64."""
    fused, plain = (
        HATrick(dim, heads, chunk_size, causal=causal, dtype=torch.float64, backend=backend)
        for backend in ("fused", "plain")
    )
    with torch.no_grad():
        for i, parameter in enumerate(fused.parameters()):
            parameter.copy_(random(*parameter.shape, seed=i) / parameter.shape[-1] ** 0.5)
    plain.load_state_dict(fused.state_dict())
    return fused, plain


def outcome(layer: HATrick, x: Tensor, mask: Tensor | None, grad: Tensor) -> list[Tensor]:
    """The output, and the gradients of the input and of every parameter."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    y = layer(x, key_padding_mask=mask)
    y.backward(grad)
    gradients = [x.grad, *(parameter.grad for parameter in layer.parameters())]
    return [y.detach(), *(g for g in gradients if g is not None)]


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    seq_len=st.integers(1, 40),
    chunk_size=st.integers(1, 9),
    rows=st.integers(1, 50),
    causal=st.booleans(),
    padding=st.sampled_from(["none", "tail", "anywhere", "all"]),
    seed=st.integers(0, 1000),
)
def test_outputs_and_gradients_are_those_of_the_plain_form_however_it_is_cut(
    batch: int, seq_len: int, chunk_size: int, rows: int, causal: bool, padding: str, seed: int
) -> None:
    fused, plain = pair(8, 2, chunk_size, causal=causal)
    x, grad = random(batch, seq_len, 8, seed=seed), random(batch, seq_len, 8, seed=seed + 1)
    mask = make_mask(padding, batch, seq_len, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS", rows)
        got = outcome(fused, x, mask, grad)
    for mine, theirs in zip(got, outcome(plain, x, mask, grad), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-11)


def test_a_graph_that_is_kept_gives_the_same_gradients_twice_and_one_that_is_not_says_so() -> None:
    fused, _ = pair(8, 2, 4)
    x = random(2, 10, 8).requires_grad_()
    loss = fused(x).square().sum()
    (first,) = torch.autograd.grad(loss, x, retain_graph=True)
    (second,) = torch.autograd.grad(loss, x)
    assert torch.equal(first, second)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, x)


def test_frozen_parameters_and_inputs_get_no_gradient() -> None:
    fused, _ = pair(8, 2, 4)
    fused.requires_grad_(False)
    fused.cross_q.weight.requires_grad_()
    x = random(1, 9, 8)
    fused(x).sum().backward()
    assert fused.cross_q.weight.grad is not None
    assert x.grad is None
    assert all(p.grad is None for p in fused.parameters() if p is not fused.cross_q.weight)


def test_an_input_that_is_not_contiguous_is_as_good() -> None:
    fused, _ = pair(8, 2, 4)
    x = random(2, 8, 10).transpose(1, 2)
    assert torch.equal(fused(x), fused(x.contiguous()))


@pytest.mark.parametrize("training", [False, True])
def test_it_takes_less_than_half_the_memory_of_the_plain_form(training: bool) -> None:
    fused, plain = pair(32, 2, 32)
    x = random(1, 16384, 32).requires_grad_(training)

    def call(layer: HATrick) -> None:
        with torch.set_grad_enabled(training):
            y = layer(x)
        if training:
            y.sum().backward()
        layer.zero_grad()
        x.grad = None

    taken = []
    for layer in (fused, plain):
        call(layer)
        with torch.profiler.profile(profile_memory=True) as profile:
            call(layer)
        events = profile.profiler.kineto_results.events()
        in_use = [e.nbytes() for e in events if e.name() == "[memory]"]
        taken.append(max(accumulate(in_use)))
    assert taken[0] < taken[1] / 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_in_low_precision_gradients_are_as_near_as_those_of_the_plain_form(
    dtype: torch.dtype,
) -> None:
    fused, plain = pair(32, 2, 16)
    x, grad = random(2, 200, 32), random(2, 200, 32, seed=2)
    exact = outcome(plain, x, None, grad)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS", 32)
        rounded = [
            outcome(layer.to(dtype), x.to(dtype), None, grad.to(dtype)) for layer in (fused, plain)
        ]
    for truth, mine, theirs in zip(exact, *rounded, strict=True):
        errors = [(g.double() - truth).norm() / truth.norm() for g in (mine, theirs)]
        assert errors[0] <= 2 * errors[1] + torch.finfo(dtype).eps


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")
@pytest.mark.parametrize("causal", [False, True])
def test_on_the_faster_product_it_is_the_plain_form_too(
    causal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "LEAST_PRODUCTS", 0)
    monkeypatch.setattr(blocks, "ROWS", 32)
    fused, plain = (layer.float() for layer in pair(16, 2, 8, causal=causal))
    x, grad = (random(2, 75, 16, seed=i, dtype=torch.float32) for i in range(2))
    mask = make_mask("tail", 2, 75)
    for mine, theirs in zip(
        *(outcome(layer, x, mask, grad) for layer in (fused, plain)), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_a_backward_under_autocast_or_checkpointing_is_the_same() -> None:
    fused, _ = pair(8, 2, 4)
    fused.float()
    x, grad = (random(2, 20, 8, seed=i, dtype=torch.float32) for i in range(2))
    expected = outcome(fused, x, None, grad)[1]
    x.requires_grad_()
    y = fused(x)
    with torch.autocast("cpu", torch.bfloat16):
        (under_autocast,) = torch.autograd.grad(y, x, grad)
    (again,) = torch.autograd.grad(checkpoint(fused, x, use_reentrant=False), x, grad)
    # What lies between the two nodes has a backward of PyTorch's, which rounds under autocast.
    torch.testing.assert_close(under_autocast, expected, rtol=0, atol=1e-2)
    torch.testing.assert_close(again, expected)


def _backward_hook(layer: HATrick) -> None:
    layer.token_qkv.register_full_backward_pre_hook(lambda module, grads: (grads[0] * 2,))


def _no_bias(layer: HATrick) -> None:
    layer.token_qkv.bias = None


def _own_forward(layer: HATrick) -> None:
    project = layer.cross_q.forward
    layer.cross_q.forward = lambda x: project(x) * 2  # type: ignore[method-assign]


def _replace(layer: HATrick) -> None:
    layer.out_proj = nn.Linear(8, 8, dtype=torch.float64)


def _hook(layer: HATrick) -> None:
    layer.cross_q.register_forward_hook(lambda module, inputs, output: output * 2)


def _dropout(layer: HATrick) -> None:
    layer.dropout.p = 0.5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_replace, "out_proj was replaced"),
        (_hook, "cross_q has hooks"),
        (_backward_hook, "token_qkv has hooks"),
        (_no_bias, "token_qkv lacks a weight or a bias"),
        (_own_forward, "cross_q was replaced"),
        (_dropout, "no dropout"),
    ],
)
def test_what_it_has_no_place_for_is_refused_by_name_and_left_to_others_by_auto(
    change: Callable[[HATrick], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused, plain = pair(8, 2, 4)
    x = random(1, 10, 8)
    monkeypatch.setattr(backends, "FUSED_TOKENS", 1)
    auto = HATrick(8, 2, 4, dtype=torch.float64)
    auto.load_state_dict(fused.state_dict())
    for layer in (fused, plain, auto):
        torch.manual_seed(0)
        change(layer)
    with pytest.raises(ValueError, match=f"'fused' cannot run here: .*{reason}.*; use 'sdpa'"):
        fused(x)
    auto.out_proj.load_state_dict(plain.out_proj.state_dict())
    outputs = []
    for layer in (auto, plain):
        torch.manual_seed(0)
        outputs.append(layer(x))
    torch.testing.assert_close(*outputs, rtol=0, atol=1e-11)


def test_hooks_on_all_modules_and_empty_batches_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backends, "FUSED_TOKENS", 0)
    layer = HATrick(8, 2, 4)
    x = torch.zeros(1, 8, 8)
    assert layer._is_fused(x)
    assert layer(x[:0]).shape == (0, 8, 8)
    seen: list[str] = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, inputs, output: seen.append(type(module).__name__)
    )
    try:
        layer(x)
    finally:
        handle.remove()
    assert seen.count("Linear") == 8


def test_nothing_is_kept_where_nothing_is_to_be_differentiated() -> None:
    layer = HATrick(8, 2, 4).requires_grad_(False)
    x = torch.zeros(1, backends.FUSED_TOKENS, 8)
    assert not layer._trains(x)
    assert not layer._is_fused(x)
    assert layer._trains(x.requires_grad_())


def test_a_function_transform_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "FUSED_TOKENS", 1)
    _, plain = pair(8, 2, 4)
    auto = HATrick(8, 2, 4, dtype=torch.float64)
    auto.load_state_dict(plain.state_dict())
    x = random(2, 10, 8)
    mapped = torch.func.vmap(lambda one: auto(one[None])[0])(x)
    torch.testing.assert_close(mapped, plain(x), rtol=0, atol=1e-11)


def test_auto_trains_long_inputs_on_a_cpu_with_it_and_nothing_else() -> None:
    cpu, cuda, enough = torch.device("cpu"), torch.device("cuda"), backends.FUSED_TOKENS
    assert backends.preferred(cpu, enough, training=True)[0] == "fused"
    assert backends.preferred(cpu, enough - 1, training=True)[0] == "sdpa"
    assert backends.preferred(cpu, enough, training=False)[0] == "sdpa"
    assert backends.preferred(cuda, 1 << 20, training=True)[0] == "sdpa"
    assert sorted(backends.preferred(cuda, 1, training=True)) == sorted(backends.BACKENDS)
    layer = HATrick(8, 2, 64)
    x = torch.zeros(2, enough // 2, 8)
    assert layer._is_fused(x)
    assert not layer._is_fused(x[:, 1:])
    with torch.no_grad():
        assert not layer._is_fused(x)
