"""The HATrick layer against the published outputs, its reference, and what must hold of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_mask, random
from torch import Tensor

from hatrick import HATrick
from hatrick.flex import flex_reason
from hatrick.published import NAMES
from hatrick.reference import reference

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("hatrick_*.npz"))
FLEX_MISSING = flex_reason(torch.device("cpu"), torch.float32, 64, training=False)


def make(
    dim: int = 16, heads: int = 4, chunk_size: int = 8, *, seed: int = 0, **kwargs: object
) -> HATrick:
    """A layer whose every parameter is random, in float64 unless told otherwise."""
    kwargs.setdefault("dtype", torch.float64)
    layer = HATrick(dim, heads, chunk_size, **kwargs)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(noise / parameter.shape[-1] ** 0.5)
    return layer


def expected(layer: HATrick, x: Tensor, mask: Tensor | None = None, **kwargs: object) -> Tensor:
    return reference(
        dict(layer.named_parameters()),
        x,
        mask,
        heads=layer.heads,
        chunk_size=layer.chunk_size,
        causal=layer.causal,
        **kwargs,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("backend", ["fused", "sdpa", "plain"])
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_published_outputs_and_gradients(path: Path, backend: str) -> None:
    case = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    weights = {n.removeprefix("state."): t for n, t in case.items() if n.startswith("state.")}
    layer = HATrick.from_published(
        weights, heads=int(case["heads"]), chunk_size=int(case["chunk_size"]), backend=backend
    )
    x, valid = case["x"].requires_grad_(), case["valid"]
    y = layer(x, key_padding_mask=~valid)
    torch.testing.assert_close(y[valid], case["y"][valid], rtol=0, atol=1e-10)
    assert not y[~valid].any()

    (y * case["grad_y"]).sum().backward()
    torch.testing.assert_close(x.grad, case["grad_x"], rtol=0, atol=1e-10)
    parameters = dict(layer.named_parameters())
    checked = 0
    for name, grad in case.items():
        if name.startswith("grad.") and grad.numel():
            stem, _, leaf = name.removeprefix("grad.").partition(".")
            mine = parameters[NAMES[stem] + (f".{leaf}" if leaf else "")].grad
            torch.testing.assert_close(mine, grad, rtol=0, atol=1e-10)
            checked += 1
    assert checked == len(weights)


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    seq_len=st.integers(1, 33),
    chunk_size=st.integers(1, 12),
    causal=st.booleans(),
    padding=st.sampled_from(["none", "tail", "anywhere", "all"]),
    backend=st.sampled_from(["fused", "sdpa", "plain"]),
    seed=st.integers(0, 1000),
)
def test_module_equals_reference(
    batch: int,
    seq_len: int,
    chunk_size: int,
    causal: bool,
    padding: str,
    backend: str,
    seed: int,
) -> None:
    layer = make(8, 2, chunk_size, causal=causal, backend=backend, seed=seed)
    x = random(batch, seq_len, 8, seed=seed).requires_grad_()
    mask = make_mask(padding, batch, seq_len, seed)
    upstream = random(batch, seq_len, 8, seed=seed + 1)
    inputs = [x, *layer.parameters()]
    got = layer(x, key_padding_mask=mask)
    want = expected(layer, x, mask)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-10)
    got_grads = torch.autograd.grad(got, inputs, upstream, materialize_grads=True)
    if want.requires_grad:
        want_grads = torch.autograd.grad(want, inputs, upstream, materialize_grads=True)
    else:  # nothing but padding: the reference touches no parameter
        want_grads = tuple(torch.zeros_like(t) for t in inputs)
    for mine, theirs in zip(got_grads, want_grads, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)


@pytest.mark.skipif(bool(FLEX_MISSING), reason=FLEX_MISSING)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_flex_backend_equals_reference(causal: bool, padded: bool) -> None:
    layer = make(32, 2, 8, causal=causal, backend="flex", dtype=torch.float32)
    x = random(2, 27, 32, dtype=torch.float32)
    mask = make_mask("anywhere", 2, 27, 3) if padded else None
    with torch.no_grad():
        got = layer(x, key_padding_mask=mask)
    torch.testing.assert_close(got.double(), expected(layer, x, mask), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("causal", [False, True])
def test_low_precision_stays_within_what_the_dtype_explains(
    dtype: torch.dtype, causal: bool
) -> None:
    layer = make(32, 4, 8, causal=causal, dtype=dtype)
    x = random(2, 61, 32).to(dtype)
    want = expected(layer, x)
    own = (expected(layer, x, dtype=dtype).double() - want).norm() / want.norm()
    error = (layer(x).double() - want).norm() / want.norm()
    assert error <= 2 * own + torch.finfo(dtype).eps


@pytest.mark.parametrize("causal", [False, True])
def test_gradcheck(causal: bool) -> None:
    layer = make(4, 2, 3, causal=causal)
    x = random(1, 8, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: layer(x), (x,))


def test_one_chunk_is_local_attention_with_one_cls() -> None:
    layer = make(8, 2, chunk_size=16)
    x = random(2, 11, 8)
    cls = layer.cls_token.expand(2, 1, 8)
    q, k, v = torch.cat([layer.cls_qkv(cls), layer.token_qkv(x)], 1).chunk(3, -1)

    def split(t: Tensor) -> Tensor:
        return t.view(2, 12, 2, 4).transpose(1, 2)

    weights = torch.softmax(split(q) @ split(k).transpose(-1, -2) / 2, -1)
    mixed = layer.out_proj((weights @ split(v)).transpose(1, 2).reshape(2, 12, 8))
    both = layer.norm_local(torch.cat([cls, x], 1) + mixed)
    cls, tokens = both[:, :1], both[:, 1:]
    # A softmax over one key is 1: steps 2 and 3 pass the one value on.
    value = layer.global_qkv(cls).chunk(3, -1)[2]
    cls = layer.norm_global(cls + layer.out_proj(value))
    value = layer.cross_kv(cls).chunk(2, -1)[1]
    want = layer.norm_cross(tokens + layer.out_proj(value))
    torch.testing.assert_close(layer(x), want, rtol=0, atol=1e-12)


def test_causal_output_does_not_move_with_later_inputs() -> None:
    layer = make(chunk_size=4, causal=True)
    x = random(1, 22, 16)
    y = layer(x)
    for t in range(22):
        moved = x.clone()
        moved[:, t + 1 :] = random(1, 21 - t, 16, seed=9) * 100
        torch.testing.assert_close(layer(moved)[:, : t + 1], y[:, : t + 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_a_short_document_is_the_same_alone_and_in_a_batch(causal: bool) -> None:
    layer = make(chunk_size=4, causal=causal)
    x = random(2, 40, 16)
    mask = torch.zeros(2, 40, dtype=torch.bool)
    mask[1, 5:] = True
    x[1, 5:] = float("nan")
    together = layer(x, key_padding_mask=mask)
    torch.testing.assert_close(together[1:, :5], layer(x[1:, :5]), rtol=0, atol=1e-12)
    torch.testing.assert_close(together[:1], layer(x[:1]), rtol=0, atol=1e-12)
    assert not together[1, 5:].any()


def test_gradients_survive_nan_in_the_padding() -> None:
    layer = make()
    x = random(1, 20, 16)
    x[:, 15:] = float("nan")
    x.requires_grad_()
    layer(x, key_padding_mask=torch.arange(20)[None] >= 15).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert not x.grad[:, 15:].any()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_compiles_without_graph_breaks(causal: bool, padded: bool) -> None:
    layer = make(causal=causal)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    x = random(2, 27, 16)
    mask = make_mask("tail", 2, 27, 0) if padded else None
    torch.testing.assert_close(
        compiled(x, key_padding_mask=mask), layer(x, key_padding_mask=mask), rtol=0, atol=1e-12
    )


@pytest.mark.skipif(bool(FLEX_MISSING), reason=FLEX_MISSING)
def test_compiled_by_inductor_forward_and_backward() -> None:
    layer = make(dtype=torch.float32)
    x = random(2, 27, 16, dtype=torch.float32).requires_grad_()
    want = torch.autograd.grad(layer(x).square().sum(), x)[0]
    compiled = torch.compile(layer, fullgraph=True)
    got = torch.autograd.grad(compiled(x).square().sum(), x)[0]
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def test_state_dict_round_trip() -> None:
    layer, other = make(seed=1), make(seed=2)
    other.load_state_dict(layer.state_dict())
    x = random(1, 20, 16)
    assert torch.equal(layer(x), other(x))


@pytest.mark.parametrize("causal", [False, True])
def test_autocast(causal: bool) -> None:
    layer = make(dtype=torch.float32, causal=causal)
    x = random(2, 27, 16, dtype=torch.float32).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x, key_padding_mask=make_mask("tail", 2, 27, 0))
    y.float().sum().backward()
    want = layer(x, key_padding_mask=make_mask("tail", 2, 27, 0))
    assert (y.float() - want).norm() / want.norm() < 20 * torch.finfo(torch.bfloat16).eps
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_dropout_acts_in_all_three_steps_and_in_training_only() -> None:
    layer = make(dropout=0.5)
    calls = []
    layer.dropout.register_forward_hook(lambda *_: calls.append(1))
    layer(random(1, 16, 16))
    assert len(calls) == 3
    x = random(1, 16, 16)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x), expected(layer, x), rtol=0, atol=1e-10)


def test_reference_is_independent_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = make()
    x = random(1, 24, 16)
    before = expected(layer, x)
    monkeypatch.setattr("hatrick.module.attend", lambda q, k, v, **_: 1.001 * v.mean(2, True) + q)
    torch.testing.assert_close(expected(layer, x), before, rtol=0, atol=0)
    assert (layer(x) - before).norm() / before.norm() > 1e-2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 10, "heads": 4, "chunk_size": 8}, "divisible by heads, got dim=10 and heads=4"),
        (
            {"dim": 8, "heads": 2, "chunk_size": 0},
            "chunk_size must be an integer of at least 1, got 0",
        ),
        ({"dim": 8, "heads": 0, "chunk_size": 4}, "heads must be an integer of at least 1, got 0"),
        ({"dim": 8, "heads": 2, "chunk_size": 8.0}, "chunk_size must be an integer .* got 8.0"),
        ({"dim": 8, "heads": 2, "chunk_size": 4, "dropout": float("nan")}, "dropout must be in"),
        ({"dim": 8, "heads": 2, "chunk_size": 4, "causal": "no"}, "causal must be True or False"),
        ({"dim": 8, "heads": 2, "chunk_size": 4, "backend": "fast"}, "no backend 'fast'"),
    ],
)
def test_bad_construction(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HATrick(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "mask", "message"),
    [
        (torch.zeros(3, 16), None, r"\(batch, seq_len, 16\), got \(3, 16\)"),
        (torch.zeros(1, 3, 8), None, r"\(batch, seq_len, 16\), got \(1, 3, 8\)"),
        (torch.zeros(1, 0, 16), None, "at least one token"),
        (torch.zeros(1, 3, 16, dtype=torch.int64), None, "floating-point"),
        (torch.zeros(1, 3, 16), torch.zeros(1, 4, dtype=torch.bool), r"got \(1, 4\)"),
        (torch.zeros(1, 3, 16), torch.zeros(1, 3), "must be bool"),
        (torch.zeros(1, 3, 16, dtype=torch.float64), None, "must be torch.float32 as the layer is"),
    ],
)
def test_bad_input(x: Tensor, mask: Tensor | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(dtype=torch.float32)(x, key_padding_mask=mask)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"out.bias": None}, r"lacks out_proj\.bias"),
        ({"cls_token": None}, "lacks 'cls_token'"),
        ({"wrong": torch.zeros(1)}, "'wrong' is not a parameter"),
        ({"out.weight": torch.zeros(8, 8, dtype=torch.int64)}, "'out.weight' must be a floating"),
        ({"out.weight": [1.0]}, "'out.weight' must be a floating-point tensor, got list"),
        ({"out.weight": torch.zeros(4, 8)}, r"expected \(8, 8\), got \(4, 8\)"),
        ({"out.foo": torch.zeros(1)}, "out_proj.foo: expected no such parameter"),
    ],
)
def test_from_published_names_what_is_wrong(change: dict[str, object], message: str) -> None:
    theirs = {mine: name for name, mine in NAMES.items()}
    published = {}
    for name, tensor in make(8, 2, 4).state_dict().items():
        stem, _, leaf = name.partition(".")
        published[theirs[stem] + (f".{leaf}" if leaf else "")] = tensor
    HATrick.from_published(published, heads=2, chunk_size=4)
    changed = {k: v for k, v in (published | change).items() if v is not None}
    with pytest.raises(ValueError, match=message):
        HATrick.from_published(changed, heads=2, chunk_size=4)


def test_from_published_can_be_causal() -> None:
    case = {name: torch.from_numpy(array) for name, array in np.load(GOLDEN[0]).items()}
    weights = {n.removeprefix("state."): t for n, t in case.items() if n.startswith("state.")}
    layer = HATrick.from_published(
        weights, heads=int(case["heads"]), chunk_size=int(case["chunk_size"]), causal=True
    )
    x = case["x"]
    torch.testing.assert_close(layer(x), expected(layer, x), rtol=0, atol=1e-10)
    assert layer.causal


def test_the_flex_backend_has_no_graph_breaks() -> None:
    layer = make(32, 2, 8, backend="flex", dtype=torch.float32, causal=True)
    x = random(2, 27, 32, dtype=torch.float32)
    # Traced, not lowered: inductor of torch 2.13 has no CPU template for a mask made in the graph.
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(x).double(), expected(layer, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("chunk_size", "seq_len", "message"),
    [
        ("auto", None, "seq_len is missing: give seq_len=8192"),
        ("auto", 0, "give seq_len=T, an integer of at least 1, got 0"),
        ("auto", 8.0, "an integer of at least 1, got 8.0"),
        (8, 64, 'seq_len=64 is for chunk_size="auto" only, and chunk_size is 8'),
        ("automatic", 64, "integer of at least 1, got 'automatic'; the one word .* is \"auto\""),
    ],
)
def test_a_length_is_given_for_auto_and_for_nothing_else(
    chunk_size: object, seq_len: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        HATrick(8, 2, chunk_size, seq_len=seq_len)  # type: ignore[arg-type]


def test_a_chunk_size_that_is_given_says_so() -> None:
    layer = HATrick(8, 2, 4)
    assert layer.chunk_size_source == "given"
    assert "chunk_size_source" not in repr(layer)


def test_a_layer_that_was_tuned_for_nothing_takes_a_model_and_warns() -> None:
    with pytest.warns(UserWarning, match="hatrick tune --variant hatrick --seq-len 3072 --dim 24"):
        layer = HATrick(24, 2, "auto", seq_len=3072)
    assert layer.chunk_size == 48
    assert layer.chunk_size_source.startswith("sqrt(T)")
