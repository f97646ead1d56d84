"""Softmax attention over tensors whose heads are already split: one function, three backends."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hatrick.flex import flex_masked, flex_reason

BACKENDS = ("sdpa", "plain", "flex")
"""In the order in which `auto` prefers them. `plain` materialises the scores, as the published
HATrick class does; `sdpa` is `F.scaled_dot_product_attention`; `flex` is FlexAttention."""


def backend_reason(
    backend: str, device: torch.device, dtype: torch.dtype, head_dim: int, *, training: bool
) -> str:
    """Why `backend` cannot run there; empty if it can. `training`: with gradients."""
    if backend != "flex":
        return ""
    return flex_reason(device, dtype, head_dim, training=training)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    keys: Tensor | None = None,
    pairs: Tensor | None = None,
    scale: float | None = None,
    backend: str = "auto",
) -> Tensor:
    """softmax(scale · QKᵀ) V over the visible keys.

    Args:
        query: `(N, H, Tq, d)`.
        key, value: `(N, H, Tk, d)`.
        keys: bool `(N, Tk)`, True = this key may be seen; None = all may.
        pairs: bool `(Tq, Tk)`, True = this query may see this key; None = all may. `sdpa` and
            `plain` take anything that broadcasts to `(N, H, Tq, Tk)`.
        scale: 1/sqrt(d) if None.
        backend: `auto` or one of `BACKENDS`.

    Returns:
        `(N, H, Tq, d)`; zero for a query that sees no key.

    Raises:
        ValueError: an unknown backend, or one that cannot run here.
    """
    if backend == "auto":
        backend = "sdpa"
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}; choose from auto, {', '.join(BACKENDS)}")
    scale = query.shape[-1] ** -0.5 if scale is None else scale

    if backend == "flex":
        return flex_masked(query, key, value, keys, pairs, scale)

    visible = pairs if keys is None else keys[:, None, None, :]
    if keys is not None and pairs is not None:
        visible = keys[:, None, None, :] & pairs
    sees = None
    if visible is not None:
        # A softmax over nothing is undefined, and kernels differ in what they make of it. Let
        # such a query see everything, and put zero where its output would be.
        sees = visible.any(-1, keepdim=True)
        visible = visible | ~sees
    if backend == "sdpa":
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=visible, scale=scale)
    else:
        scores = torch.matmul(query, key.transpose(-2, -1)) * scale
        if visible is not None:
            scores = scores.masked_fill(~visible, float("-inf"))
        out = torch.matmul(torch.softmax(scores, dim=-1), value)
    return out if sees is None else out.masked_fill(~sees, 0.0)
