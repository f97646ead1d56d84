"""HATrick's steps over the tokens as two nodes of the autograd graph, computed block by block.

What is made of a block and used up in it stays in the caches; what lives for the whole call is
only what the backward needs. Each chunk's CLS is the row before its tokens, so that one matrix
product and one flash attention serve both. The backward is that of the formulas in
`hatrick.module`; where it would need what is cheap to make again, it makes it again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hatrick.blocks import Block, Masks, block_rows, blocks
from hatrick.flash import flash, flash_backward
from hatrick.linear import project
from hatrick.sums import Sum

B = TypeVar("B", bound=Callable[..., Any])

_norm: Any = torch.native_layer_norm
_norm_backward: Any = torch.ops.aten.native_layer_norm_backward
ALL = [True, True, True]


def _split(rows: Tensor, sequences: int, heads: int) -> Tensor:
    """`(sequences · tokens, dim)` as `(sequences, heads, tokens, head_dim)`: a view."""
    return rows.view(sequences, -1, heads, rows.shape[1] // heads).transpose(1, 2)


def _join(x: Tensor) -> Tensor:
    """The inverse of `_split`; a view of what flash attention returns."""
    return x.transpose(1, 2).flatten(2).flatten(0, 1)


def _as_the_forward(backward: B) -> B:
    """A backward in the dtypes of the forward, which ran without autocast, wherever it is run."""

    @wraps(backward)
    def run(ctx: Any, *grads: Tensor) -> Any:
        device = grads[0].device.type
        if device == "meta":
            return backward(ctx, *grads)
        with torch.autocast(device, enabled=False):
            return backward(ctx, *grads)

    return cast(B, run)


def _graph_stays() -> bool:
    """Whether somebody may go through this graph once more (`retain_graph=True`)."""
    stays: bool = torch._C._autograd._get_current_graph_task_keep_graph()
    return stays


class Local(torch.autograd.Function):
    """Step 1 up to its norm.

    Args:
        masks, heads, chunk_size: as the layer's.
        training: whether a backward may come.
        x: `(batch, seq_len, dim)`, contiguous.
        cls: the CLS vector, `(dim)`; cls_qkv: its query, key and value, `(3 · dim)`.
        weight, bias: of the tokens' query, key and value; out_weight, out_bias: out-projection.

    Returns:
        The CLS of every chunk, `(batch, chunks, dim)`, and for each of `blocks` its rows,
        `(rows, dim)`, of which the CLS' own count as no output.
    """

    @staticmethod
    def forward(
        ctx: Any,
        masks: Masks,
        heads: int,
        chunk_size: int,
        training: bool,
        x: Tensor,
        cls: Tensor,
        cls_qkv: Tensor,
        weight: Tensor,
        bias: Tensor,
        out_weight: Tensor,
        out_bias: Tensor,
    ) -> tuple[Tensor, ...]:
        batch, seq_len, dim = x.shape
        scale = (dim // heads) ** -0.5
        every_cls = x.new_empty(batch, -(-seq_len // chunk_size), dim)
        ctx.blocks, ctx.kept = list(blocks(batch, seq_len, chunk_size, block_rows(x.device))), []

        # A function, here and below, so that nothing of a block outlives it but what is returned.
        def step(block: Block) -> Tensor:
            lead = block.led(x, cls)
            rows = lead.flatten(0, 1)
            qkv = project(rows, weight, bias)
            block.first(qkv)[:] = cls_qkv
            q, k, v = (_split(part, len(lead), heads) for part in qkv.split(dim, 1))
            out, lse = flash(q, k, v, bias=masks.local(block, x.dtype, x.device), scale=scale)
            if training:
                ctx.kept.append((qkv, out, lse))
            mixed = project(_join(out), out_weight, out_bias, plus=rows)
            mine = every_cls[block.sequences, block.chunks]
            mine.copy_(block.first(mixed).view_as(mine))
            return mixed

        done = [step(block) for block in ctx.blocks]
        ctx.masks, ctx.heads, ctx.scale = masks, heads, scale
        ctx.save_for_backward(x, cls, weight, out_weight)
        return every_cls, *done

    @staticmethod
    @once_differentiable
    @_as_the_forward
    def backward(ctx: Any, grad_cls: Tensor, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, cls, weight, out_weight = ctx.saved_tensors
        dim, stays = x.shape[2], _graph_stays()
        shapes = ((dim,), (3 * dim,), (3 * dim, dim), (3 * dim,), (dim, dim), (dim,))
        sums = [
            Sum(*shape, like=x, wanted=wanted)
            for shape, wanted in zip(shapes, ctx.needs_input_grad[5:], strict=True)
        ]
        of_cls, of_cls_qkv, of_weight, of_bias, of_out_weight, of_out_bias = sums
        grad_x = torch.empty_like(x)

        def step(i: int, block: Block, grad: Tensor) -> None:
            qkv, out, lse = ctx.kept[i]
            if not stays:
                ctx.kept[i] = None
            first = block.first(grad)
            first.copy_(grad_cls[block.sequences, block.chunks].reshape_as(first))
            of_cls.rows(first)
            of_out_weight.product(grad, _join(out))
            of_out_bias.rows(grad)
            lead = block.led(x, cls)
            q, k, v = (_split(part, len(lead), ctx.heads) for part in qkv.split(dim, 1))
            parts = flash_backward(
                _split(project(grad, out_weight.t()), len(lead), ctx.heads),
                *(q, k, v, out, lse),
                bias=ctx.masks.local(block, x.dtype, x.device),
                scale=ctx.scale,
            )
            together = torch.cat([_join(part) for part in parts], 1)
            first = block.first(together)
            of_cls_qkv.rows(first)
            first.zero_()  # no projection of x
            of_weight.product(together, lead.flatten(0, 1))
            of_bias.rows(together)
            block.put(grad_x, project(together, weight.t(), plus=grad))

        for i, (block, grad) in enumerate(zip(ctx.blocks, grads, strict=True)):
            step(i, block, grad)
        return None, None, None, None, grad_x, *(total.get() for total in sums)


class _Read:
    """The rows of a block read the CLS of all chunks."""

    def __init__(self, masks: Masks, heads: int, block: Block, kv: Tensor) -> None:
        part = kv[block.sequences].unflatten(2, (2, heads, -1))
        self.key, self.value = part.permute(2, 0, 3, 1, 4).unbind()
        self.bias, self.sees = masks.cross(block, kv)
        self.scale = part.shape[-1] ** -0.5

    def split(self, rows: Tensor) -> Tensor:
        """`(rows, dim)` as `(sequences, heads, rows, head_dim)`."""
        return _split(rows, *self.key.shape[:2])

    def forward(self, query: Tensor) -> tuple[Tensor, Tensor]:
        """What `(rows, dim)` read, `(sequences, heads, rows, head_dim)`, and the log-sum-exp."""
        q = self.split(query)
        out, lse = flash(q, self.key, self.value, bias=self.bias, scale=self.scale)
        return self.seen(out), lse

    def seen(self, x: Tensor) -> Tensor:
        """`x` with zeros where a row sees nothing: in place."""
        return x if self.sees is None else x.masked_fill_(~self.sees, 0.0)


class Cross(torch.autograd.Function):
    """The norm of step 1, and step 3.

    Args:
        masks, heads, chunk_size, seq_len: as the layer's.
        training: whether a backward may come.
        eps: of the two norms.
        kv: keys and values of the CLS, `(batch, chunks, 2 · dim)`.
        weight, bias: of the tokens' query; out_weight, out_bias: out-projection; local_weight,
            local_bias: norm of step 1; cross_weight, cross_bias: norm of step 3.
        mixed: the rows of each block, as `Local` gives them.

    Returns:
        `(batch, seq_len, dim)`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        masks: Masks,
        heads: int,
        chunk_size: int,
        seq_len: int,
        training: bool,
        eps: tuple[float, float],
        kv: Tensor,
        weight: Tensor,
        bias: Tensor,
        out_weight: Tensor,
        out_bias: Tensor,
        local_weight: Tensor,
        local_bias: Tensor,
        cross_weight: Tensor,
        cross_bias: Tensor,
        *mixed: Tensor,
    ) -> Tensor:
        batch, dim = kv.shape[0], weight.shape[0]
        ctx.masks, ctx.heads, ctx.eps = masks, heads, eps
        ctx.blocks, ctx.kept = list(blocks(batch, seq_len, chunk_size, block_rows(kv.device))), []
        y = kv.new_empty(batch, seq_len, dim)

        def step(block: Block, rows: Tensor) -> None:
            tokens, *_ = _norm(rows, (dim,), local_weight, local_bias, eps[0])
            q = project(tokens, weight, bias)
            out, _ = _Read(masks, heads, block, kv).forward(q)
            last = project(_join(out), out_weight, out_bias, plus=tokens)
            done, mean, rstd = _norm(last, (dim,), cross_weight, cross_bias, eps[1])
            block.put(y, done)
            if training:
                ctx.kept.append((q, last, mean, rstd))

        for block, rows in zip(ctx.blocks, mixed, strict=True):
            step(block, rows)
        parameters = (weight, out_weight, local_weight, local_bias, cross_weight, cross_bias)
        ctx.save_for_backward(kv, *parameters, *mixed)
        return y

    @staticmethod
    @once_differentiable
    @_as_the_forward
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        # Once: checkpointing lets go of what it has made again as soon as it was asked for.
        kv, weight, out_weight, *norms = ctx.saved_tensors
        norms, mixed = norms[:4], norms[4:]
        local_norm, cross_norm = norms[:2], norms[2:]
        dim, stays = weight.shape[0], _graph_stays()
        shapes = (kv.shape, (dim, dim), (dim,), (dim, dim), (dim,), *((dim,),) * 4)
        sums = [
            Sum(*shape, like=kv, wanted=wanted)
            for shape, wanted in zip(shapes, ctx.needs_input_grad[6:15], strict=True)
        ]
        of_kv, of_weight, of_bias, of_out_weight, of_out_bias, *of_norms = sums

        def step(i: int, block: Block, rows: Tensor) -> Any:
            q, last, mean, rstd = ctx.kept[i]
            if not stays:
                ctx.kept[i] = None
            grad = block.led(grad_y, 0.0).flatten(0, 1)
            grad, *of = _norm_backward(grad, last, (dim,), mean, rstd, *cross_norm, ALL)
            del last
            for total, part in zip(of_norms[2:], of, strict=True):
                total.add(part)
            read = _Read(ctx.masks, ctx.heads, block, kv)
            out, lse = read.forward(q)
            of_out_weight.product(grad, _join(out))
            of_out_bias.rows(grad)
            grad_q, grad_k, grad_v = flash_backward(
                read.seen(read.split(project(grad, out_weight.t()))),
                *(read.split(q), read.key, read.value, out, lse),
                bias=read.bias,
                scale=read.scale,
            )
            both = torch.cat([g.transpose(1, 2).flatten(2) for g in (grad_k, grad_v)], 2)
            of_kv.add(both, block.sequences)
            grad_q = _join(grad_q)
            tokens, mean, rstd = _norm(rows, (dim,), *local_norm, ctx.eps[0])
            of_weight.product(grad_q, tokens)
            of_bias.rows(grad_q)
            grad = project(grad_q, weight.t(), plus=grad)
            grad, *of = _norm_backward(grad, rows, (dim,), mean, rstd, *local_norm, ALL)
            for total, part in zip(of_norms[:2], of, strict=True):
                total.add(part)
            return grad

        grads = [step(i, *pair) for i, pair in enumerate(zip(ctx.blocks, mixed, strict=True))]
        return *(None,) * 6, *(total.get() for total in sums), *grads
