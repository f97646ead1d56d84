"""The ceiling: one matrix product with as many FLOPs as HATrick's layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hatrick.cost import Cost, hatrick_cost, linear
from hatrick.inputs import check_input, zero_padding
from hatrick.linear import project
from variants.config import AttentionConfig, VariantOptions, Workload
from variants.interface import Variant
from variants.registry import register

ALIGNED = 64
"""Rows of the product begin at whole cache lines and tiles: with 3618 columns in place of 3648 the
same machine made 63 GFLOP/s in place of 90 (float32, one thread, T 16384, D 512), and a ceiling
must be none that an odd number lowers. At usual sizes this moves the FLOPs by less than 1%."""


def _product(x: Tensor, weight: Tensor) -> Tensor:
    y: Tensor = project(x.flatten(0, 1), weight.t()).unflatten(0, x.shape[:2])
    return y


class _Product(torch.autograd.Function):
    """x W, of which only the first columns are an output. Autograd would make and fill the gradient
    of the whole product at every call: no work of a product's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, grad: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.grad = grad  # zeros, whose first columns every backward overwrites
        return _product(x, weight)[..., : x.shape[2]]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        ctx.grad[..., : x.shape[2]] = grads[0]
        rows = ctx.grad.flatten(0, 1)
        return project(rows, weight).view_as(x), x.flatten(0, 1).t() @ rows, None


@register("matrix_product")
class MatrixProduct(Variant):
    """`y = (x W)[..., :dim]` with W `(dim, columns)`: no attention, but a yardstick for one.

    As many columns as give the product the FLOPs of HATrick's layer at this chunk size, length and
    width, to the next multiple of 64. So its latency is what this machine takes for these FLOPs in
    the form that it does best, and HATrick's latency over it says how far the layer is from that.
    The backward makes the same two products that the layer's count comes from.

    W is made at the first call of a length, which no timing holds, from a seed of its own.
    """

    summary = "no attention: one matrix product with the FLOPs of HATrick's layer, the ceiling"
    backends = ("own",)
    weight: nn.Parameter | None

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        # A parameter, so that its gradient is cleared and counted like every layer's.
        self.register_parameter("weight", None)
        self._grad: Tensor | None = None

    def weight_for(self, x: Tensor) -> Tensor:
        """W for inputs like `x`; that of the last length is kept."""
        dim = self.config.dim
        columns = product_columns(self.config, x.shape[0], x.shape[1])
        kept, fits = self.weight, (columns, x.dtype, x.device)
        if kept is None or (kept.shape[1], kept.dtype, kept.device) != fits:
            generator = torch.Generator().manual_seed(0)
            drawn = torch.randn(columns, dim, generator=generator).t() * dim**-0.5
            kept = nn.Parameter(drawn.to(x), requires_grad=x.requires_grad)
            self.weight, self._grad = kept, None
        return kept

    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        check_input(x, self.config.dim, key_padding_mask, x.dtype)
        x = zero_padding(x, key_padding_mask)
        weight = self.weight_for(x)
        if not x.requires_grad:
            return _product(x, weight)[..., : self.config.dim]
        if self._grad is None or self._grad.shape[:2] != x.shape[:2]:
            self._grad = x.new_zeros(*x.shape[:2], weight.shape[1])
        y: Tensor = _Product.apply(x, weight, self._grad)  # type: ignore[no-untyped-call]
        return y

    def oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        weight = self.weight_for(x)[:, : self.config.dim].to(dtype)
        y = (x if rows is None else x[:, rows]).to(dtype) @ weight
        if key_padding_mask is None:
            return y
        padded = key_padding_mask if rows is None else key_padding_mask[:, rows]
        return torch.where(padded[..., None], 0.0, y)

    def visible(self, seq_len: int) -> Tensor:
        """Each token reaches its own output alone."""
        return torch.eye(seq_len, dtype=torch.bool)

    @classmethod
    def forward_cost(cls, workload: Workload) -> Cost:
        config, batch, seq_len = workload.config, workload.batch, workload.seq_len
        columns = product_columns(config, batch, seq_len)
        return linear(batch * seq_len, config.dim, columns, workload.element_size)


def product_columns(config: AttentionConfig, batch: int, seq_len: int) -> int:
    """Columns of W: those with which the product comes nearest to the FLOPs of HATrick's layer,
    as a multiple of `ALIGNED`."""
    flops = hatrick_cost(config.dim, config.chunk_size, batch, seq_len, causal=config.causal).flops
    blocks = round(flops / (2 * batch * seq_len * config.dim * ALIGNED))
    return ALIGNED * max(1, blocks)
