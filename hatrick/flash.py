"""Flash attention by its parts: with the log-sum-exp, and with a backward that can be given one.

The backward of flash attention needs of the forward only the output and the log-sum-exp (Dao et al.
2022, algorithm 4). `F.scaled_dot_product_attention` hides both. The operators below it, which every
build of PyTorch has, do not: one for CPUs, and for CUDA one in half precision without a bias, and
one, slower, for what is left. The CUDA ones were written from their documentation and have not run
yet.
"""

from __future__ import annotations

import torch
from torch import Tensor

DTYPES = {
    "cpu": (torch.float32, torch.float64, torch.bfloat16, torch.float16),
    "meta": (torch.float32, torch.float64, torch.bfloat16, torch.float16),
    "cuda": (torch.float32, torch.bfloat16, torch.float16),
}
"""What the operators take, by device. Meta tensors have shapes alone: there the CPU's answers."""


def flash_reason(device: torch.device, dtype: torch.dtype, head_dim: int) -> str:
    """Why `flash` cannot run there; empty if it can."""
    if device.type not in DTYPES:
        return f"flash attention by its parts is written for CPU and CUDA, not for {device.type}"
    if dtype not in DTYPES[device.type]:
        known = ", ".join(str(d).removeprefix("torch.") for d in DTYPES[device.type])
        return f"flash attention on {device.type} takes {known}, not {dtype}"
    if device.type == "cuda" and (head_dim % 8 or head_dim > 256):
        return f"flash attention on CUDA takes a head_dim that 8 divides, up to 256, not {head_dim}"
    return ""


def hiding(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """The bias that hides what is not `visible`: finite, of no weight beside what is visible."""
    low = torch.finfo(dtype).min / 2
    return torch.zeros_like(visible, dtype=dtype).masked_fill_(~visible, low)


def flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    bias: Tensor | None = None,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """softmax(scale · QKᵀ + bias) V, and the log-sum-exp of the scores.

    No tensor of the scores' size is made, and no gradient is recorded: see `flash_backward`.

    Args:
        query: `(N, H, Tq, d)`; key, value: `(N, H, Tk, d)`; any strides with the last one 1.
        bias: in their dtype, `(Tq, Tk)` or `(N, H, Tq, Tk)`, in which any size but the last may
            be 1. A row of nothing but −inf has no softmax, and its output means nothing; `hiding`
            makes a bias that is finite.

    Returns:
        `(N, H, Tq, d)`, and what `flash_backward` takes for the log-sum-exp: on a CPU `(N, H, Tq)`
        in float32 at least; on CUDA it may be padded.
    """
    ops = torch.ops.aten
    if query.device.type != "cuda":
        out, lse = ops._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, attn_mask=bias, scale=scale
        )
    elif bias is None and query.dtype != torch.float32:
        out, lse, *_ = ops._scaled_dot_product_flash_attention(query, key, value, scale=scale)
    else:
        bias = _aligned(bias, query, key)
        out, lse, *_ = ops._scaled_dot_product_efficient_attention(
            query, key, value, bias, True, scale=scale
        )
    return out, lse


def flash_backward(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    *,
    bias: Tensor | None = None,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value, given that of `out`.

    Args:
        grad, out: `(N, H, Tq, d)`; lse: as `flash` gave it. Of a softmax cut into parts by keys,
            each part's share of the gradient comes from the output and log-sum-exp of the whole.
        The rest as for `flash`.

    Returns:
        As query, key and value.
    """
    ops, tensors = torch.ops.aten, (grad, query, key, value)
    if query.device.type != "cuda":
        q, k, v = ops._scaled_dot_product_flash_attention_for_cpu_backward(
            *tensors, out, lse, 0.0, False, attn_mask=bias, scale=scale
        )
        return q, k, v
    # The state of the random numbers is read for dropout alone, of which there is none.
    unused = torch.empty((), dtype=torch.int64, device=query.device)
    if bias is None and query.dtype != torch.float32:
        sizes = (None, None, query.shape[2], key.shape[2])
        q, k, v = ops._scaled_dot_product_flash_attention_backward(
            *tensors, out, lse, *sizes, 0.0, False, unused, unused, scale=scale
        )
        return q, k, v
    bias, wanted = _aligned(bias, query, key), [True, True, True, False]
    q, k, v, _ = ops._scaled_dot_product_efficient_attention_backward(
        *tensors, bias, out, lse, unused, unused, 0.0, wanted, scale=scale
    )
    return q, k, v


def _aligned(bias: Tensor | None, query: Tensor, key: Tensor) -> Tensor | None:
    """The bias for all queries and keys, its rows 16 bytes apart or a multiple of that."""
    if bias is None:
        return None
    keys = key.shape[2]
    wide = bias.new_zeros(*bias.shape[:-1], keys + -keys % 8)
    wide[..., :keys] = bias
    return wide[..., :keys].expand(*query.shape[:3], keys)
