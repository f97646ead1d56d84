"""What every registered variant must do, whichever it is."""

from __future__ import annotations

import ast
import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_layer, make_mask, random
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import variants
from hatrick import reference
from hatrick.flex import flex_reason
from variants import AttentionConfig, Target, Variant, oracles

CPU = torch.device("cpu")
FLEX_MISSING = flex_reason(CPU, torch.float32, 64, training=False)
TRAINABLE = [
    (name, backend)
    for name in variants.names()
    for backend in variants.get(name).backends
    if variants.get(name).support(AttentionConfig(8, 2), CPU, torch.float64, backend=backend).ok
]
NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
EVERYWHERE = [pytest.param("cpu", *pair, id="-".join(("cpu", *pair))) for pair in TRAINABLE] + [
    pytest.param(
        "cuda", name, backend, marks=[pytest.mark.cuda, NO_CUDA], id=f"cuda-{name}-{backend}"
    )
    for name in variants.names()
    for backend in variants.get(name).backends
]


def grads(y: Tensor, x: Tensor, layer: Variant, upstream: Tensor) -> list[Tensor]:
    inputs = [x, *layer.parameters()]
    if not y.requires_grad:  # nothing but padding: the oracle touches no parameter
        return [torch.zeros_like(t) for t in inputs]
    return list(torch.autograd.grad(y, inputs, upstream, materialize_grads=True))


def test_all_four_are_there_with_the_two_backends_that_run_everywhere() -> None:
    assert {"full", "hatrick", "lsh", "sliding_window"} <= set(variants.names())
    for name in ("full", "hatrick", "lsh", "sliding_window"):
        assert {(name, "plain"), (name, "sdpa")} <= set(TRAINABLE)


@pytest.mark.parametrize(("name", "backend"), TRAINABLE)
@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(1, 3),
    seq_len=st.integers(1, 33),
    chunk_size=st.integers(1, 12),
    causal=st.booleans(),
    padding=st.sampled_from(["none", "tail", "anywhere", "all"]),
    seed=st.integers(0, 1000),
)
def test_output_and_gradients_equal_the_oracle(
    name: str,
    backend: str,
    batch: int,
    seq_len: int,
    chunk_size: int,
    causal: bool,
    padding: str,
    seed: int,
) -> None:
    layer = make_layer(name, chunk_size=chunk_size, causal=causal, backend=backend, seed=seed)
    x = random(batch, seq_len, 8, seed=seed).requires_grad_()
    mask = make_mask(padding, batch, seq_len, seed)
    upstream = random(batch, seq_len, 8, seed=seed + 1)
    got, want = layer(x, key_padding_mask=mask), layer.oracle(x, mask)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-10)
    for mine, theirs in zip(
        grads(got, x, layer, upstream), grads(want, x, layer, upstream), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("device", "name", "backend"), EVERYWHERE)
def test_low_precision_stays_within_what_the_dtype_explains(
    device: str, name: str, backend: str, dtype: torch.dtype, causal: bool
) -> None:
    layer = make_layer(
        name, dim=64, heads=4, chunk_size=16, causal=causal, backend=backend, dtype=dtype
    ).to(device)
    support = layer.support(layer.config, torch.device(device), dtype, backend=backend)
    if not support.ok:
        pytest.skip(support.reason)
    x = random(2, 150, 64).to(device, dtype).requires_grad_()
    upstream = random(2, 150, 64, seed=2).to(device, dtype)
    got, want, own = layer(x), layer.oracle(x), layer.oracle(x, dtype=dtype)
    # All gradients as one vector: some are zero in exact arithmetic (a key's bias shifts every
    # score alike), and an error relative to nothing says nothing.
    gradients = [
        torch.cat([g.flatten().double() for g in grads(y, x, layer, upstream.to(y.dtype))])
        for y in (got, want, own)
    ]
    results = [(got, want, own), tuple(gradients)]
    for mine, exact, plain in results:
        scale = exact.double().norm()
        error = (mine.double() - exact.double()).norm() / scale
        explained = (plain.double() - exact.double()).norm() / scale
        assert error <= 2 * explained + torch.finfo(dtype).eps


@pytest.mark.skipif(bool(FLEX_MISSING), reason=FLEX_MISSING)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("causal", "padding"), [(False, "none"), (True, "anywhere")])
@pytest.mark.parametrize("name", ["full", "sliding_window"])
def test_flex_equals_the_oracle(name: str, causal: bool, padding: str, dtype: torch.dtype) -> None:
    layer = make_layer(
        name, dim=32, heads=2, chunk_size=48, causal=causal, backend="flex", dtype=dtype
    )
    x = random(2, 300, 32).to(dtype)
    mask = make_mask(padding, 2, 300)
    with torch.no_grad():
        got, want = layer(x, key_padding_mask=mask), layer.oracle(x, mask)
        own = layer.oracle(x, mask, dtype=dtype)
    error, explained = (got - want).norm() / want.norm(), (own - want).norm() / want.norm()
    assert error <= 2 * explained + torch.finfo(dtype).eps


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("name", "backend"), TRAINABLE)
def test_gradcheck(name: str, backend: str, causal: bool) -> None:
    layer = make_layer(name, dim=4, chunk_size=3, causal=causal, backend=backend)
    x = random(1, 7, 4).requires_grad_()
    mask = torch.arange(7)[None] >= 6
    # LSH's hash has no gradient: hold it fixed, as training does within a step.
    fixed = {"buckets": layer.buckets(layer.split(x)[0])} if name == "lsh" else {}
    assert torch.autograd.gradcheck(lambda x: layer(x, key_padding_mask=mask, **fixed), (x,))


@pytest.mark.parametrize(("name", "backend"), TRAINABLE)
def test_causal_output_does_not_move_with_later_inputs(name: str, backend: str) -> None:
    layer = make_layer(name, causal=True, backend=backend)
    x = random(1, 22, 8)
    fixed = {"buckets": layer.buckets(layer.split(x)[0])} if name == "lsh" else {}
    y = layer(x, **fixed)
    for t in range(22):
        moved = x.clone()
        moved[:, t + 1 :] = random(1, 21 - t, 8, seed=9) * 100
        torch.testing.assert_close(
            layer(moved, **fixed)[:, : t + 1], y[:, : t + 1], rtol=0, atol=1e-11
        )
        if t < 21:
            assert not torch.allclose(layer(moved, **fixed)[:, t + 1 :], y[:, t + 1 :])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("name", "backend"), TRAINABLE)
def test_what_padding_holds_never_matters(name: str, backend: str, causal: bool) -> None:
    layer = make_layer(name, causal=causal, backend=backend)
    mask = make_mask("anywhere", 2, 22, seed=5)
    assert mask is not None
    x = random(2, 22, 8)
    outputs = []
    for junk in (0.0, 1e4, float("nan"), float("inf")):
        filled = x.masked_fill(mask[..., None], junk).requires_grad_()
        y = layer(filled, key_padding_mask=mask)
        y.sum().backward()
        assert filled.grad is not None
        assert filled.grad.isfinite().all()
        outputs.append(y)
    for y in outputs[1:]:
        torch.testing.assert_close(y, outputs[0], rtol=0, atol=1e-12)
    assert not outputs[0][mask].any()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("name", "backend"), [(name, backend) for name, backend in TRAINABLE if name != "lsh"]
)
def test_how_much_padding_there_is_never_matters(name: str, backend: str, causal: bool) -> None:
    layer = make_layer(name, causal=causal, backend=backend)
    x = random(2, 40, 8)
    mask = torch.zeros(2, 40, dtype=torch.bool)
    mask[1, 5:] = True
    together = layer(x, key_padding_mask=mask)
    torch.testing.assert_close(together[1:, :5], layer(x[1:, :5]), rtol=0, atol=1e-12)
    torch.testing.assert_close(together[:1], layer(x[:1]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("seq_len", [3, 4, 13])
@pytest.mark.parametrize("name", variants.names())
def test_visible_is_the_sparsity_of_the_oracles_jacobian(
    name: str, seq_len: int, causal: bool
) -> None:
    layer = make_layer(name, causal=causal)
    x = random(1, seq_len, 8)
    fixed = {"buckets": layer.buckets(layer.split(x)[0])} if name == "lsh" else {}
    jacobian = torch.autograd.functional.jacobian(lambda x: layer.oracle(x, **fixed), x)
    reached = jacobian[0, :, :, 0].abs().amax(dim=(1, 3)) > 1e-12
    assert torch.equal(reached, layer.visible(seq_len, **fixed))


@pytest.mark.parametrize("name", variants.names())
def test_oracle_rows_are_rows_of_the_oracle(name: str) -> None:
    layer = make_layer(name, causal=True)
    x, mask = random(2, 21, 8), make_mask("tail", 2, 21)
    rows = torch.tensor([20, 3, 7])
    torch.testing.assert_close(layer.oracle(x, mask, rows=rows), layer.oracle(x, mask)[:, rows])
    for some, every in zip(
        layer.full_oracle(x, mask, rows=rows), layer.full_oracle(x, mask), strict=True
    ):
        torch.testing.assert_close(some, every[:, rows])


@pytest.mark.parametrize("name", ["full", "sliding_window", "lsh"])
def test_core_equals_its_oracle(name: str) -> None:
    layer = make_layer(name, causal=True)
    mask = make_mask("tail", 2, 21)
    tensors = [random(2, 2, 21, 4, seed=i) for i in range(len(layer.core_tensors))]
    got = layer.core(*tensors, key_padding_mask=mask)
    want = layer.core_oracle(*tensors, key_padding_mask=mask)
    valid = ~mask[:, None].expand(2, 2, 21)
    torch.testing.assert_close(got[valid], want[valid], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", variants.names())
def test_full_oracle_is_full_attention_with_the_same_projections(name: str) -> None:
    """Written out by hand for each variant's parameters, on a case with padding."""
    layer = make_layer(name)
    x, mask = random(1, 9, 8), torch.arange(9)[None] >= 7
    p = dict(layer.named_parameters())
    prefix, norm = (
        ("layer.token_qkv", "layer.norm_local") if name == "hatrick" else ("in_proj", "norm")
    )
    out = "layer.out_proj" if name == "hatrick" else "out_proj"
    parts = (x @ p[f"{prefix}.weight"].T + p[f"{prefix}.bias"]).split(8, -1)
    q, k, v = parts if len(parts) == 3 else (parts[0], None, parts[1])
    mixed = torch.zeros(1, 9, 8, dtype=torch.float64)
    for head in (slice(0, 4), slice(4, 8)):
        query, value = q[0, :, head], v[0, :7, head]
        key = (q if k is None else k)[0, :7, head]
        if k is None:
            key = key / key.norm(dim=-1, keepdim=True)
        mixed[0, :, head] = torch.softmax(query @ key.T / 2, -1) @ value

    def normed(t: Tensor) -> Tensor:
        t = (t - t.mean(-1, True)) / (t.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
        return t * p[f"{norm}.weight"] + p[f"{norm}.bias"]

    y_full, y_none = layer.full_oracle(x, mask)
    want = normed(x + mixed @ p[f"{out}.weight"].T + p[f"{out}.bias"])
    torch.testing.assert_close(y_full[:, :7], want[:, :7], rtol=0, atol=1e-12)
    torch.testing.assert_close(y_none[:, :7], normed(x)[:, :7], rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padding", ["none", "tail"])
@pytest.mark.parametrize(
    ("name", "backend"), [pair for pair in TRAINABLE if pair != ("full", "plain")]
)
@pytest.mark.parametrize("chunk_size", [8, 32])
def test_nothing_of_size_seq_len_squared_is_ever_made(
    name: str, backend: str, chunk_size: int, padding: str, causal: bool
) -> None:
    """Not even as bool; the largest single allocation of forward and backward tells."""
    seq_len = 4096
    layer = make_layer(
        name,
        chunk_size=chunk_size,
        causal=causal,
        backend=backend,
        dtype=torch.float32,
        dim=4,
        heads=1,
    )
    x = random(1, seq_len, 4, dtype=torch.float32).requires_grad_()
    mask = make_mask(padding, 1, seq_len)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        layer(x, key_padding_mask=mask).sum().backward()
    events = recorded.profiler.kineto_results.events()
    assert max(e.nbytes() for e in events if e.name() == "[memory]") < seq_len**2


class _HostTensors(TorchDispatchMode):
    """Notes every operation that takes or gives a tensor on the CPU, or reads a value."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, out)) if isinstance(t, Tensor)]
        if any(t.device.type == "cpu" for t in tensors) or "_local_scalar_dense" in str(func):
            self.seen.append(str(func))
        return out


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("name", "backend"), [pair for pair in TRAINABLE if pair != ("lsh", "sdpa")]
)
def test_after_the_first_call_nothing_comes_from_the_host(
    name: str, backend: str, causal: bool, padded: bool
) -> None:
    """A tensor copied to a GPU makes the host wait, and no CUDA graph can capture it. The meta
    device, which has neither values nor kernels, shows every such copy where there is no GPU."""
    layer = make_layer(name, causal=causal, backend=backend).to("meta").train()
    x = torch.empty(2, 300, 8, dtype=torch.float64, device="meta", requires_grad=True)
    mask = torch.empty(2, 300, dtype=torch.bool, device="meta") if padded else None
    layer(x, key_padding_mask=mask)
    with _HostTensors() as host:
        y = layer(x, key_padding_mask=mask)
        y.backward(torch.empty_like(y))
    assert host.seen == []


@pytest.mark.parametrize("module", [oracles, reference], ids=lambda module: module.__name__)
def test_oracles_import_nothing_of_the_fast_paths(module: object) -> None:
    tree = ast.parse(Path(inspect.getfile(module)).read_text())  # type: ignore[arg-type]
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= {"__future__", "collections", "torch"}


@pytest.mark.parametrize(
    ("name", "fast_path"),
    [
        ("full", "variants.full.full_attention"),
        ("sliding_window", "variants.sliding_window.sliding_window_attention"),
        ("lsh", "variants.lsh.lsh_attention"),
        ("hatrick", "hatrick.module.attend"),
        ("full", "variants.full.zero_padding"),
        ("sliding_window", "variants.core.zero_padding"),
        ("lsh", "variants.lsh.zero_padding"),
        ("hatrick", "hatrick.module.zero_padding"),
    ],
)
def test_a_perturbed_fast_path_does_not_take_the_oracle_along(
    name: str, fast_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = make_layer(name)
    x, mask = random(1, 24, 8), torch.arange(24)[None] >= 20
    # LSH's hashes are an input to its oracle: held fixed, so that the perturbation cannot reach it.
    fixed = {"buckets": layer.buckets(layer.split(x)[0])} if name == "lsh" else {}
    before = layer.oracle(x, mask, **fixed)
    torch.testing.assert_close(layer(x, key_padding_mask=mask, **fixed), before, rtol=0, atol=1e-10)
    monkeypatch.setattr(fast_path, lambda q, *_, **__: 1.5 * q)
    assert torch.equal(layer.oracle(x, mask, **fixed), before)
    assert (layer(x, key_padding_mask=mask, **fixed) - before).norm() / before.norm() > 1e-2


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
@pytest.mark.parametrize("name", variants.names())
def test_speed(name: str, direction: str, benchmark: BenchmarkFixture) -> None:
    """A layer as a benchmark: `make test ARGS="-k speed --benchmark-enable"` times it."""
    layer = make_layer(name, dim=256, heads=4, chunk_size=64, dtype=torch.float32)
    x = random(1, 1024, 256, dtype=torch.float32).requires_grad_()

    def call() -> Tensor:
        if direction == "forward":
            with torch.no_grad():
                return layer(x)
        layer.zero_grad()
        y = layer(x)
        y.sum().backward()
        return y

    assert benchmark(call).isfinite().all()


@pytest.mark.parametrize("name", variants.names())
def test_cost_grows_with_what_is_asked(name: str) -> None:
    cls, config = variants.get(name), AttentionConfig(64, 4, chunk_size=16)
    one = cls.cost(config, 1, 256, "forward")
    assert one is not None
    assert one.flops > 0
    assert one.bytes > 0
    both = cls.cost(config, 1, 256, "forward+backward")
    assert both is not None
    # Whatever has a gradient counts three times; hashing has none.
    hashing = 0 if name != "lsh" else 2 * 4 * 256 * 4 * 8 * 16
    assert both.flops == 3 * one.flops - 2 * hashing
    half = cls.cost(config, 1, 256, "forward", element_size=2)
    assert half is not None
    assert 2 * half.bytes == one.bytes


def test_cost_looks_at_the_options() -> None:
    config = AttentionConfig(64, 4, chunk_size=16)
    for name, few, many in (
        ("lsh", {"rounds": 1}, {"rounds": 4}),
        ("sliding_window", {"left": 1, "right": 1}, {"left": 9, "right": 9}),
    ):
        costs = [
            variants.get(name).cost(
                config, 1, 256, "forward", scope="core", options=variants.parse_options(name, o)
            )
            for o in (few, many)
        ]
        assert 2 * costs[0].flops < costs[1].flops


def test_cost_refuses_what_there_is_not() -> None:
    config = AttentionConfig(64, 4)
    with pytest.raises(ValueError, match="no direction 'backward'; choose from forward, forward"):
        variants.get("full").cost(config, 1, 8, "backward")
    with pytest.raises(ValueError, match="hatrick has no core"):
        variants.get("hatrick").cost(config, 1, 8, "forward", scope="core")


@pytest.mark.parametrize("name", variants.names())
def test_dropout_acts_in_training_only(name: str) -> None:
    layer = variants.create(name, AttentionConfig(8, 2, chunk_size=4, dropout=0.5))
    x = random(1, 16, 8, dtype=torch.float32)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    torch.testing.assert_close(layer(x).double(), layer.oracle(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", variants.names())
def test_compiles_autocasts_and_survives_a_round_trip(name: str) -> None:
    layer, other = (make_layer(name, dtype=torch.float32, seed=seed) for seed in (0, 1))
    x = random(1, 21, 8, dtype=torch.float32)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), layer(x))
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), layer(x))
    compiled = torch.compile(layer, backend="eager")
    torch.testing.assert_close(compiled(x), layer(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = layer(x)
    assert half.isfinite().all()
    if name != "lsh":  # whose hashes, of rounded vectors, are others
        assert (half.float() - layer(x)).norm() / layer(x).norm() < 0.1


@pytest.mark.parametrize("name", variants.names())
def test_unknown_backend_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(ValueError, match=r"no backend 'cuda'; choose from auto, .*sdpa, "):
        make_layer(name, backend="cuda")
    support = variants.get(name).support(AttentionConfig(8, 2), CPU, torch.float32, backend="cuda")
    assert not support.ok
    assert "no backend 'cuda'" in support.reason


@pytest.mark.parametrize("name", variants.names())
def test_support_says_why_not(name: str) -> None:
    cls = variants.get(name)
    config = AttentionConfig(8, 2)
    first = cls.preferred(Target(config, CPU, torch.float32, True, cls.Options()))[0]
    assert cls.support(config, CPU, torch.float32) == variants.Support(True, backend=first)
    flex = cls.support(config, CPU, torch.float32, backend="flex")
    assert not flex.ok
    assert "on CPU" in flex.reason
    if "xformers" in cls.backends:
        reason = cls.support(config, CPU, torch.float32, backend="xformers").reason
        assert reason == "xformers: xformers has no operator for cpu"
    core = cls.support(config, CPU, torch.float32, scope="core")
    assert core.ok == (name != "hatrick")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 10, "heads": 4}, "divisible by heads, got dim=10 and heads=4"),
        ({"dim": 8, "heads": 2, "chunk_size": 0}, "chunk_size must be an integer of at least 1"),
        ({"dim": 8.0, "heads": 2}, "dim must be an integer of at least 1, got 8.0"),
        ({"dim": 8, "heads": 2, "dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_bad_config(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AttentionConfig(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", variants.names())
def test_bad_input(name: str) -> None:
    layer = make_layer(name)
    for x, mask, message in (
        (random(3, 8), None, "must be (batch, seq_len, 8), got (3, 8)"),
        (random(1, 3, 6), None, "must be (batch, seq_len, 8), got (1, 3, 6)"),
        (random(1, 3, 8), torch.zeros(1, 4, dtype=torch.bool), "got (1, 4)"),
        (random(1, 3, 8), torch.zeros(1, 3), "must be bool"),
    ):
        with pytest.raises(ValueError, match="must be") as caught:
            layer(x, key_padding_mask=mask)
        assert message in str(caught.value)
