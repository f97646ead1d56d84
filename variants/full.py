"""Full attention: every query sees every key."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hatrick.attend import attend, backend_reason
from hatrick.cost import Cost, attention, causal_pairs
from hatrick.flex import flex_band
from hatrick.inputs import check_heads, check_mask, zero_padding
from variants import oracles
from variants.config import Target, Workload
from variants.core import CoreVariant
from variants.registry import register
from variants.xformers_ops import xformers_attention, xformers_reason

BACKENDS = ("sdpa", "plain", "flex", "xformers")
QUERY_BLOCK = 512


def full_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    causal: bool = False,
    key_padding_mask: Tensor | None = None,
    backend: str = "auto",
) -> Tensor:
    """softmax(QKᵀ / sqrt(d)) V (Vaswani et al. 2017).

    Args:
        q, k, v: `(batch, heads, seq_len, head_dim)`.
        key_padding_mask: bool `(batch, seq_len)`, True = no key for anyone.
        backend: `auto`, `sdpa`, `plain` (builds the score matrix), `flex` or `xformers`.

    Returns:
        `(batch, heads, seq_len, head_dim)`; zero for a query that sees no key.

    Raises:
        ValueError: shapes that differ, a mask of the wrong shape, a backend that is unknown or
            cannot run here.
    """
    check_heads(q, k, v)
    batch, _, seq_len, head_dim = q.shape
    if backend not in ("auto", *BACKENDS):
        raise ValueError(f"no backend {backend!r}; choose from auto, {', '.join(BACKENDS)}")
    check_mask(key_padding_mask, batch, seq_len)
    q, k, v = (zero_padding(t, key_padding_mask) for t in (q, k, v))
    valid = None if key_padding_mask is None else ~key_padding_mask
    if backend == "xformers":
        if key_padding_mask is not None:
            raise ValueError("backend 'xformers' takes no key_padding_mask; use 'sdpa'")
        right = 0 if causal else None
        return xformers_attention(q, k, v, left=None, right=right, scale=head_dim**-0.5)
    if not causal:
        return attend(q, k, v, keys=valid, backend=backend)
    if backend == "plain":
        pairs = torch.ones(seq_len, seq_len, dtype=torch.bool, device=q.device).tril()
        return attend(q, k, v, keys=valid, pairs=pairs, backend=backend)
    if backend == "flex":
        return flex_band(
            q,
            k,
            v,
            left=seq_len,
            right=0,
            key_padding_mask=key_padding_mask,
            scale=head_dim**-0.5,
        )
    if valid is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return _causal_padded(q, k, v, valid)


def _causal_padded(query: Tensor, key: Tensor, value: Tensor, valid: Tensor) -> Tensor:
    """Causal attention with padding, a block of queries at a time: the two masks together would
    be seq_len × seq_len."""
    seq_len = query.shape[2]
    blocks = []
    for start in range(0, seq_len, QUERY_BLOCK):
        end = min(start + QUERY_BLOCK, seq_len)
        where = torch.arange(end, device=query.device)
        blocks.append(
            attend(
                query[:, :, start:end],
                key[:, :, :end],
                value[:, :, :end],
                keys=valid[:, :end],
                pairs=where[start:, None] >= where,
                backend="sdpa",
            )
        )
    return torch.cat(blocks, dim=2)


@register("full")
class Full(CoreVariant):
    """Full attention as a sub-layer."""

    summary = "softmax(QKᵀ/√d)V over all keys, O(T²)"
    backends = BACKENDS
    uses_chunk_size = False

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        if backend == "xformers":
            return xformers_reason(target, right=0 if target.config.causal else None)
        return backend_reason(
            backend,
            target.device,
            target.dtype,
            target.config.head_dim,
            training=target.training,
        )

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        return full_attention(
            *tensors,
            causal=self.config.causal,
            key_padding_mask=key_padding_mask,
            backend=self.backend,
        )

    def counts(self, seq_len: int, rows: Tensor) -> Tensor:
        return oracles.full_counts(seq_len, self.config.causal, rows)

    @classmethod
    def core_cost(cls, workload: Workload) -> Cost:
        seq_len = workload.seq_len
        pairs = causal_pairs(seq_len) if workload.config.causal else seq_len**2
        return attention(pairs, seq_len, seq_len, workload.config.dim, workload.element_size)

    @classmethod
    def core_least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        """`plain`: the scores before and after the softmax; in its backward, its output and the
        gradients of both. Any backward needs the projections."""
        least = super().core_least_bytes(workload, backend, training=training)
        scores = workload.batch * workload.config.heads * workload.seq_len**2
        tensors = (3 if training else 2) if backend == "plain" else 0
        kept = 3 * workload.activation_bytes * (training and workload.scope == "layer")
        return kept + max(least, tensors * scores * workload.element_size)
