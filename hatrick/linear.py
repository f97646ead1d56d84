"""Projections on the faster of the matrix products that PyTorch brings.

On a CPU `F.linear` in float32 is a product of MKL. PyTorch also carries oneDNN, which it uses for
compiled and for half-precision models, and whose float32 product was the faster one for all but
small sizes where this was tried: an AMD CPU with AVX-512. Both compute the same sums in another
order. What it is worth shows in docs/peers.md where `full` stands beside `torch_mha`, which differs
from it in little else.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F

LEAST_PRODUCTS = 1 << 22
"""Multiply-adds below which oneDNN's larger fixed cost shows."""


def transformed() -> bool:
    """Whether torch.func or forward-mode differentiation is at work, which know PyTorch's own
    operators and no function of ours."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def fast_linear(rows: int, x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN makes the product of `rows` rows of `x` with `weight`, `(outputs, inputs)`."""
    return bool(
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and rows * weight.numel() >= LEAST_PRODUCTS
        and torch.backends.mkldnn.is_available()
        and torch.backends.mkldnn.enabled
        and not torch.is_autocast_enabled("cpu")
    )


def project(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, plus: Tensor | None = None
) -> Tensor:
    """x Wᵀ + bias + plus, without a gradient.

    Args:
        x: `(rows, inputs)`, contiguous.
        weight: `(outputs, inputs)`, contiguous or the transpose of a contiguous tensor; with
            other strides oneDNN falls back to code that is a hundred times slower.
        plus: `(rows, outputs)`, contiguous.
    """
    if not fast_linear(x.shape[0], x, weight):
        made = F.linear(x, weight, bias)
        return made if plus is None else made.add_(plus)
    # By their full names: to find out which of them is meant, PyTorch would print the tensors.
    product = torch.ops.mkldnn._linear_pointwise
    if plus is None:
        y: Tensor = product.default(x, weight, bias, "none", [], "")
    else:
        y = product.binary(x, plus, weight, bias, "add")
    return y


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return project(x.reshape(-1, x.shape[-1]), weight, bias).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grads[0].reshape(-1, weight.shape[0])
        need_x, need_weight, need_bias = ctx.needs_input_grad
        grad_x = None
        if need_x:
            # A gradient that is to be differentiated again needs operators that know how.
            again = torch.is_grad_enabled()
            grad_x = (grad @ weight if again else project(grad, weight.t())).view(x.shape)
        return (
            grad_x,
            grad.t() @ x.reshape(-1, x.shape[-1]) if need_weight else None,
            grad.sum(0) if need_bias else None,
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.linear` on the faster product. `x`: `(…, inputs)`, `weight`: `(outputs, inputs)`."""
    traced = torch.compiler.is_compiling() or transformed()
    laid_out = x.is_contiguous() and weight.is_contiguous()
    if traced or not laid_out or not fast_linear(x.shape[:-1].numel(), x, weight):
        return F.linear(x, weight, bias)
    y: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


class Linear(nn.Linear):
    """`nn.Linear` on the faster product."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)
