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

from hatrick import HATrick, blocks, module


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


def _replace(layer: HATrick) -> None:
    layer.out_proj = nn.Linear(8, 8, dtype=torch.float64)


def _hook(layer: HATrick) -> None:
    layer.cross_q.register_forward_hook(lambda module, inputs, output: output * 2)


def _dropout(layer: HATrick) -> None:
    layer.dropout.p = 0.5


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_replace, "out_proj was replaced"), (_hook, "cross_q has hooks"), (_dropout, "no dropout")],
)
def test_what_it_has_no_place_for_is_refused_by_name_and_left_to_others_by_auto(
    change: Callable[[HATrick], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused, plain = pair(8, 2, 4)
    x = random(1, 10, 8)
    monkeypatch.setattr(module, "FUSED_TOKENS", 1)
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


def test_a_function_transform_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FUSED_TOKENS", 1)
    _, plain = pair(8, 2, 4)
    auto = HATrick(8, 2, 4, dtype=torch.float64)
    auto.load_state_dict(plain.state_dict())
    x = random(2, 10, 8)
    mapped = torch.func.vmap(lambda one: auto(one[None])[0])(x)
    torch.testing.assert_close(mapped, plain(x), rtol=0, atol=1e-11)


def test_auto_trains_long_inputs_on_a_cpu_with_it_and_nothing_else() -> None:
    cpu, cuda, enough = torch.device("cpu"), torch.device("cuda"), module.FUSED_TOKENS
    assert module.preferred(cpu, enough, training=True)[0] == "fused"
    assert module.preferred(cpu, enough - 1, training=True)[0] == "sdpa"
    assert module.preferred(cpu, enough, training=False)[0] == "sdpa"
    assert module.preferred(cuda, 1 << 20, training=True)[0] == "sdpa"
    assert sorted(module.preferred(cuda, 1, training=True)) == sorted(module.BACKENDS)
    layer = HATrick(8, 2, 64)
    x = torch.zeros(2, enough // 2, 8)
    assert layer._is_fused(x)
    assert not layer._is_fused(x[:, 1:])
    with torch.no_grad():
        assert not layer._is_fused(x)
