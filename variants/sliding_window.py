"""Sliding-window attention: every query sees the keys near it."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from hatrick.attend import backend_reason
from hatrick.cost import Cost, attention
from hatrick.flex import flex_band
from hatrick.inputs import check_heads, check_mask, zero_padding
from variants import oracles
from variants.config import AttentionConfig, Target, VariantOptions, Workload
from variants.core import CoreVariant
from variants.registry import register
from variants.window_blocks import QUERY_BLOCK, window_blocks
from variants.window_flash import fits, window_flash
from variants.window_tiles import within
from variants.xformers_ops import xformers_attention, xformers_reason

BACKENDS = ("sdpa", "plain", "flex", "xformers")
CUDA_ORDER = ("flex", "xformers", "sdpa", "plain")


def sliding_window_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    left: int,
    right: int,
    key_padding_mask: Tensor | None = None,
    backend: str = "auto",
) -> Tensor:
    """Attention in which query i sees key j iff i − left ≤ j ≤ i + right, both ends included.

    Other libraries' windows: flash-attn and xformers `(left, right)` are the same; Mistral's w is
    `(w − 1, 0)`; Longformer's W is `(W/2, W/2)`; attention-gym's and local-attention's causal w
    is `(w, 0)`.

    Args:
        q, k, v: `(batch, heads, seq_len, head_dim)`.
        left, right: keys before and after the query, at least 0.
        key_padding_mask: bool `(batch, seq_len)`, True = no key for anyone.
        backend: `auto`: on CUDA the first of flex, xformers (without a mask) and sdpa that can
            run, elsewhere sdpa. `sdpa` and `plain` work on blocks of queries with the keys they
            can see, O(T · (128 + left + right)); on a CPU `sdpa` is `window_flash`, tile by tile
            and differentiable once, except within torch.compile. `flex` and `xformers` take the
            whole sequence.

    Returns:
        `(batch, heads, seq_len, head_dim)`; zero for a query that sees no key.

    Raises:
        ValueError: a negative side, shapes that differ, a mask of the wrong shape, a backend that
            is unknown or cannot run here.
    """
    if left < 0 or right < 0:
        raise ValueError(f"left and right must be at least 0, got left={left}, right={right}")
    check_heads(q, k, v)
    if backend not in ("auto", *BACKENDS):
        raise ValueError(f"no backend {backend!r}; choose from auto, {', '.join(BACKENDS)}")
    batch, _, seq_len, head_dim = q.shape
    check_mask(key_padding_mask, batch, seq_len)
    left, right = min(left, seq_len - 1), min(right, seq_len - 1)
    if backend == "auto":
        backend = _first_that_can(q, k, v, left, right, key_padding_mask)
    if backend == "xformers":
        if key_padding_mask is not None:
            raise ValueError("backend 'xformers' takes no key_padding_mask; use 'sdpa'")
        return xformers_attention(q, k, v, left=left, right=right, scale=head_dim**-0.5)
    q, k, v = (zero_padding(t, key_padding_mask) for t in (q, k, v))
    if backend == "flex":
        return flex_band(
            q,
            k,
            v,
            left=left,
            right=right,
            key_padding_mask=key_padding_mask,
            scale=head_dim**-0.5,
        )
    valid = None if key_padding_mask is None else ~key_padding_mask
    if backend != "plain" and fits(q, k, v):
        return window_flash(q, k, v, left=left, right=right, valid=valid, scale=head_dim**-0.5)
    return window_blocks(q, k, v, left, right, valid, backend)


def _first_that_can(
    q: Tensor, k: Tensor, v: Tensor, left: int, right: int, key_padding_mask: Tensor | None
) -> str:
    """What `auto` stands for on these tensors."""
    if q.device.type != "cuda" or torch.compiler.is_compiling():
        return "sdpa"  # within a torch.compile nobody can ask what is installed
    training = torch.is_grad_enabled() and any(t.requires_grad for t in (q, k, v))
    config = AttentionConfig(q.shape[1] * q.shape[3], q.shape[1])
    options = WindowOptions(left=left, right=right)
    target = Target(config, q.device, q.dtype, training, options)
    for name in SlidingWindow.preferred(target):
        masked = name == "xformers" and key_padding_mask is not None
        if not masked and not SlidingWindow.backend_reason(name, target):
            return name
    return "sdpa"


class WindowOptions(VariantOptions):
    """What only a sliding window has."""

    left: int | None = Field(default=None, ge=0)
    """Keys before the query; None: from the chunk size."""
    right: int | None = Field(default=None, ge=0)
    """Keys after the query; None: from the chunk size, 0 if causal."""


@register("sliding_window")
class SlidingWindow(CoreVariant):
    """Sliding-window attention as a sub-layer."""

    summary = "each query sees the chunk_size keys around it (causal: before it), O(T·n)"
    backends = BACKENDS
    Options = WindowOptions

    @property
    def sides(self) -> tuple[int, int]:
        """`(left, right)` of this layer's window."""
        return window_sides(self.config, self.options)

    @classmethod
    def chunked(cls, options: VariantOptions) -> bool:
        assert isinstance(options, WindowOptions)
        return options.left is None or options.right is None

    @classmethod
    def conflict(cls, config: AttentionConfig, options: VariantOptions) -> str:
        right = window_sides(config, options)[1]
        return f"a causal window has right=0, got right={right}" if config.causal and right else ""

    @classmethod
    def preferred(cls, target: Target) -> tuple[str, ...]:
        """On CUDA by what they do for a block of queries, which nobody has timed here: flex and
        xformers skip the blocks of keys that it cannot see and need no mask but at the band's
        edges; sdpa reads a mask for every pair. On a CPU by measurement."""
        return CUDA_ORDER if target.device.type == "cuda" else cls.backends

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        if backend == "xformers":
            left, right = window_sides(target.config, target.options)
            return xformers_reason(target, left=left, right=right)
        return backend_reason(
            backend,
            target.device,
            target.dtype,
            target.config.head_dim,
            training=target.training,
        )

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        left, right = self.sides
        return sliding_window_attention(
            *tensors,
            left=left,
            right=right,
            key_padding_mask=key_padding_mask,
            backend=self.backend,
        )

    def counts(self, seq_len: int, rows: Tensor) -> Tensor:
        return oracles.window_counts(seq_len, *self.sides, rows)

    @classmethod
    def core_cost(cls, workload: Workload) -> Cost:
        seq_len = workload.seq_len
        sides = window_sides(workload.config, workload.options)
        left, right = (min(side, seq_len - 1) for side in sides)
        # What the two ends of the sequence cut off is a triangle each.
        missing = left * (left + 1) // 2 + right * (right + 1) // 2
        pairs = seq_len * (left + 1 + right) - missing
        return attention(pairs, seq_len, seq_len, workload.config.dim, workload.element_size)

    @classmethod
    def core_least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        """`sdpa`: in training also the projections, which the backward needs. `plain`: the scores
        of the blocks whose windows lie within the sequence, as in full attention, and in the
        backward the gradients of the keys and values of each of those windows."""
        least = super().core_least_bytes(workload, backend, training=training)
        if backend not in ("sdpa", "plain"):
            return least
        output = workload.activation_bytes
        kept = 3 * output * (training and workload.scope == "layer")
        if backend == "sdpa":
            return kept + least
        config, seq_len, size = workload.config, workload.seq_len, workload.element_size
        sides = window_sides(config, workload.options)
        left, right = (min(side, seq_len - 1) for side in sides)
        block = min(QUERY_BLOCK, seq_len)
        first, last = within(seq_len, left, right, block)
        seen = workload.batch * (last - first) * (left + block + right) * size
        scores = seen * config.heads
        if not training:
            return max(2 * output, 2 * scores)
        return kept + max(least, output + max(2 * seen * config.dim // block, 3 * scores))


def window_sides(config: AttentionConfig, options: VariantOptions) -> tuple[int, int]:
    """`(left, right)`: two-sided `chunk_size // 2` each, causal `(chunk_size − 1, 0)`, unless the
    options say otherwise.
    """
    left, right = getattr(options, "left", None), getattr(options, "right", None)
    half = config.chunk_size // 2
    default = (config.chunk_size - 1, 0) if config.causal else (half, half)
    return default[0] if left is None else left, default[1] if right is None else right
