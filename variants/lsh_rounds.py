"""The inner part of LSH attention: tokens and their order in, one value a token out.

Three backends that differ in how chunks are attended to and how much of it exists at once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hatrick.flex import flex_reason
from variants.lsh_blocks import attend_blocks
from variants.lsh_flex import attend_flex
from variants.lsh_gather import Gather
from variants.lsh_plain import attend_plain
from variants.lsh_slots import unit_length

BACKENDS = ("sdpa", "flex", "plain")
"""In the order in which `auto` prefers them."""


def rounds_reason(
    backend: str, device: torch.device, dtype: torch.dtype, head_dim: int, *, training: bool
) -> str:
    """Why `backend` cannot run there; empty if it can. `training`: with gradients."""
    if backend == "sdpa" and device.type != "cpu":
        return (
            "joining the rounds needs the log-sum-exp, which is taken from PyTorch's CPU kernel; "
            f"for {device.type} that is not written"
        )
    if backend == "flex":
        if device.type == "cpu":
            return "FlexAttention returns no log-sum-exp on CPU, by which rounds are joined"
        return flex_reason(device, dtype, head_dim, training=training)
    return ""


def attend_rounds(
    qk: Tensor,
    value: Tensor,
    order: Tensor,
    *,
    exists: Tensor | None,
    chunk_size: int,
    causal: bool,
    wrap: str,
    scale: float,
    backend: str,
) -> Tensor:
    """Attention of every token to the chunks it was sorted into, all rounds joined.

    Args:
        qk, value: `(batch, heads, seq_len, d)`.
        order: int64 `(batch, heads, rounds, slots)`, the position in each slot; see
            `sort_by_bucket`.
        exists: bool `(batch, slots)`, False = no key for anyone; None = all exist.
        chunk_size, causal, wrap, scale, backend: as in `lsh_attention`.

    Returns:
        `(batch, heads, seq_len, d)`.

    Raises:
        ValueError: a backend that cannot run here.
    """
    training = torch.is_grad_enabled() and (qk.requires_grad or value.requires_grad)

    def reason(name: str) -> str:
        return rounds_reason(name, qk.device, qk.dtype, qk.shape[-1], training=training)

    if backend == "auto":
        backend = next(name for name in BACKENDS if not reason(name))
    if reason(backend):
        raise ValueError(f"backend {backend!r} cannot run here: {reason(backend)}")
    if backend == "sdpa":
        return attend_blocks(
            qk,
            value,
            order,
            exists,
            chunk_size=chunk_size,
            causal=causal,
            wrap=wrap,
            scale=scale,
        )

    heads, seq_len, size = qk.shape[1], qk.shape[2], order.shape[3]
    query, value = (F.pad(t, (0, 0, 0, size - seq_len)).flatten(0, 1) for t in (qk, value))
    key = unit_length(query)[0]
    gather = Gather(order.flatten(0, 1))
    attend = attend_flex if backend == "flex" else attend_plain
    mixed, lse = attend(
        query,
        key,
        value,
        gather,
        None if exists is None else exists.repeat_interleave(heads, 0),
        chunk_size=chunk_size,
        causal=causal,
        wrap=wrap,
        scale=scale,
    )
    out = gather.join(mixed, lse, value)
    return out.view(-1, heads, size, qk.shape[3])[:, :, :seq_len]
