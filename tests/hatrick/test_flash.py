"""Flash attention by its parts."""

from __future__ import annotations

import pytest
import torch
from layers import random
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from hatrick import flash as module
from hatrick.flash import flash, flash_backward, flash_reason, hiding


def test_it_is_attention_with_its_log_sum_exp() -> None:
    q, k, v = random(2, 3, 5, 4), random(2, 3, 7, 4, seed=2), random(2, 3, 7, 4, seed=3)
    visible = random(2, 1, 5, 7, seed=4) < 1
    visible[..., 0] = True
    out, lse = flash(q, k, v, bias=hiding(visible, q.dtype), scale=0.3)
    scores = (q @ k.transpose(-2, -1) * 0.3).masked_fill(~visible, float("-inf"))
    torch.testing.assert_close(lse, scores.logsumexp(-1))
    torch.testing.assert_close(out, scores.softmax(-1) @ v)


def test_parts_of_a_softmax_add_up_to_its_gradient() -> None:
    q, k, v, grad = (random(1, 2, 6, 4, seed=i) for i in range(4))
    for tensor in (q, k, v):
        tensor.requires_grad_()
    out = F.scaled_dot_product_attention(q, k, v, scale=0.5)
    out.backward(grad)
    lse = (q @ k.transpose(-2, -1) * 0.5).logsumexp(-1)
    parts = [
        flash_backward(
            grad, *(t.detach() for t in (q, k[:, :, s], v[:, :, s], out, lse)), scale=0.5
        )
        for s in (slice(0, 2), slice(2, 6))
    ]
    assert q.grad is not None
    torch.testing.assert_close(parts[0][0] + parts[1][0], q.grad)
    torch.testing.assert_close(torch.cat([p[1] for p in parts], 2), k.grad)
    torch.testing.assert_close(torch.cat([p[2] for p in parts], 2), v.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_what_is_hidden_has_no_weight(dtype: torch.dtype) -> None:
    q, k, v = (random(1, 1, 4, 8, seed=i, dtype=dtype) * 20 for i in range(3))
    visible = torch.tensor([[True, True, False, False]])
    out, _ = flash(q, k, v, bias=hiding(visible, dtype), scale=1.0)
    alone, _ = flash(q, k[:, :, :2], v[:, :, :2], scale=1.0)
    assert torch.equal(out, alone)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias_shape", [None, (1, 1, 1, 9), (9, 9), (2, 1, 9, 9)])
def test_the_operators_of_cuda_know_these_arguments_and_shapes(
    dtype: torch.dtype, bias_shape: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shapes alone, by PyTorch's own descriptions of them: there may be no CUDA device here."""
    # To fill a fake tensor takes a build with CUDA; the aligning has a test of its own.
    monkeypatch.setattr(module, "_aligned", lambda bias, q, k: bias)
    with FakeTensorMode():
        q, k, v, grad = (torch.empty(2, 4, 9, 16, dtype=dtype, device="cuda") for _ in range(4))
        bias = None
        if bias_shape is not None:
            bias = torch.empty(bias_shape, dtype=dtype, device="cuda").expand(2, 4, 9, 9)
        out, lse = flash(q, k, v, bias=bias, scale=1.0)
        grads = flash_backward(grad, q, k, v, out, lse, bias=bias, scale=1.0)
    assert out.shape == q.shape
    assert lse.shape[:2] == (2, 4)
    assert [g.shape for g in grads] == [q.shape, k.shape, v.shape]


@pytest.mark.parametrize("shape", [(5, 7), (1, 1, 1, 7), (2, 1, 5, 7), (2, 1, 5, 8)])
def test_an_aligned_bias_is_the_same_for_all_with_rows_16_bytes_apart(
    shape: tuple[int, ...],
) -> None:
    q, k = random(2, 3, 5, 4), random(2, 3, shape[-1], 4)
    bias = random(*shape, dtype=torch.bfloat16)
    aligned = module._aligned(bias, q, k)
    assert aligned is not None
    assert torch.equal(aligned, bias.expand(2, 3, 5, shape[-1]))
    assert all(stride % 8 == 0 for stride in aligned.stride()[:-1])


@pytest.mark.parametrize(
    ("device", "dtype", "head_dim", "reason"),
    [
        ("cpu", torch.float64, 3, ""),
        ("cuda", torch.bfloat16, 64, ""),
        ("cuda", torch.float64, 64, "takes float32, bfloat16, float16, not torch.float64"),
        ("cuda", torch.bfloat16, 12, "a head_dim that 8 divides, up to 256, not 12"),
        ("mps", torch.float32, 64, "for CPU and CUDA, not for mps"),
    ],
)
def test_it_says_where_it_cannot_run(
    device: str, dtype: torch.dtype, head_dim: int, reason: str
) -> None:
    said = flash_reason(torch.device(device), dtype, head_dim)
    assert said.endswith(reason)
    assert bool(said) == bool(reason)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_cuda_it_is_attention_with_its_gradients(dtype: torch.dtype, masked: bool) -> None:
    exact = [random(2, 4, 129, 64, seed=i).cuda() for i in range(4)]
    visible = (random(2, 1, 129, 129, seed=4) < 1).cuda() if masked else None
    if visible is not None:
        visible[..., 0] = True
    q, k, v = (t.to(dtype).double().requires_grad_() for t in exact[:3])
    F.scaled_dot_product_attention(q, k, v, attn_mask=visible).backward(exact[3].to(dtype).double())
    low = [t.to(dtype) for t in exact]
    bias = None if visible is None else hiding(visible, dtype)
    out, lse = flash(*low[:3], bias=bias, scale=64**-0.5)
    grads = flash_backward(low[3], *low[:3], out, lse, bias=bias, scale=64**-0.5)
    for got, want in zip(grads, (q.grad, k.grad, v.grad), strict=True):
        assert want is not None
        assert (got.double() - want).norm() / want.norm() < 8 * torch.finfo(dtype).eps
