"""Sliding-window attention: every query sees the keys near it."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from hatrick.attend import attend, backend_reason
from hatrick.cost import Cost, attention
from hatrick.flex import flex_band
from hatrick.inputs import check_heads, check_mask, zero_padding
from variants import oracles
from variants.config import AttentionConfig, Target, VariantOptions, Workload
from variants.core import CoreVariant
from variants.registry import register
from variants.xformers_ops import xformers_attention, xformers_reason

BACKENDS = ("sdpa", "plain", "flex", "xformers")
QUERY_BLOCK = 128


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
        backend: `auto`; `sdpa` and `plain` work on blocks of queries with the keys they can see,
            O(T · (128 + left + right)); `flex` and `xformers` on the whole sequence.

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
    return _blockwise(q, k, v, left, right, valid, backend)


def _blockwise(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    left: int,
    right: int,
    valid: Tensor | None,
    backend: str,
) -> Tensor:
    """Blocks of queries, each with the keys from its first query's left end to its last query's
    right end. Blocks whose window lies within the sequence are one batch; the few at its ends see
    fewer keys and go one by one, so that no mask grows with the sequence."""
    seq_len = q.shape[2]
    block = min(QUERY_BLOCK, seq_len)
    inside = _inside(left, right, block, q.device)

    def at_an_end(start: int) -> Tensor:
        stop = min(start + block, seq_len)
        low, high = max(0, start - left), min(seq_len, stop + right)
        offset = low - (start - left)
        return attend(
            q[:, :, start:stop],
            k[:, :, low:high],
            v[:, :, low:high],
            keys=None if valid is None else valid[:, low:high],
            pairs=inside[: stop - start, offset : offset + high - low],
            backend=backend,
        )

    first, last = _queries_within(seq_len, left, right, block)
    parts = [at_an_end(start) for start in range(0, min(first, seq_len), block)]
    if first < last:
        parts.append(_within(q, k, v, left, right, valid, backend, first, last))
    parts += [at_an_end(start) for start in range(last, seq_len, block)]
    return torch.cat(parts, dim=2)


def _queries_within(seq_len: int, left: int, right: int, block: int) -> tuple[int, int]:
    """The first and the end of the whole blocks whose windows lie within the sequence."""
    first = -(-left // block) * block
    return first, max((seq_len - right) // block * block, first)


def _within(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    left: int,
    right: int,
    valid: Tensor | None,
    backend: str,
    first: int,
    last: int,
) -> Tensor:
    """The queries `first` to `last`, whose windows all lie within the sequence. Their keys and
    values are overlapping views, not copies."""
    batch, heads = q.shape[:2]
    block = min(QUERY_BLOCK, q.shape[2])
    window = left + block + right
    reach = slice(first - left, last + right)

    def windows(t: Tensor) -> Tensor:
        return t[:, :, reach].flatten(0, 1).unfold(1, window, block).transpose(-2, -1)

    pairs = _inside(left, right, block, q.device)
    if valid is not None:
        there = valid[:, reach].unfold(1, window, block)[:, None, :, None, :]
        pairs = pairs & there.expand(-1, heads, -1, -1, -1).flatten(0, 1)
    query = q[:, :, first:last].flatten(0, 1)
    query = query.view(batch * heads, -1, block, query.shape[-1])
    out = attend(query, windows(k), windows(v), pairs=pairs, backend=backend)
    return out.reshape(batch, heads, last - first, -1)


def _inside(left: int, right: int, block: int, device: torch.device) -> Tensor:
    """Which keys of its window each query of a block sees: bool `(block, left + block + right)`."""
    query = torch.arange(block, device=device)[:, None] + left
    key = torch.arange(left + block + right, device=device)
    return (key >= query - left) & (key <= query + right)


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
        """Blockwise: the blocks' outputs and their concatenation; or, of the queries whose windows
        lie within the sequence, the scores as in full attention (`plain`), and in the backward the
        gradients of the keys and values of every window, and the projections."""
        least = super().core_least_bytes(workload, backend, training=training)
        if backend not in ("sdpa", "plain"):
            return least
        config, seq_len, size = workload.config, workload.seq_len, workload.element_size
        sides = window_sides(config, workload.options)
        left, right = (min(side, seq_len - 1) for side in sides)
        block = min(QUERY_BLOCK, seq_len)
        first, last = _queries_within(seq_len, left, right, block)
        seen = workload.batch * (last - first) * (left + block + right) * size
        scores = seen * config.heads if backend == "plain" else 0
        output = workload.activation_bytes
        if not training:
            return max(2 * output, 2 * scores)
        kept = 3 * output * (workload.scope == "layer")
        return kept + max(least, output + max(2 * seen * config.dim // block, 3 * scores))


def window_sides(config: AttentionConfig, options: VariantOptions) -> tuple[int, int]:
    """`(left, right)`: two-sided `chunk_size // 2` each, causal `(chunk_size − 1, 0)`, unless the
    options say otherwise.
    """
    left, right = getattr(options, "left", None), getattr(options, "right", None)
    half = config.chunk_size // 2
    default = (config.chunk_size - 1, 0) if config.causal else (half, half)
    return default[0] if left is None else left, default[1] if right is None else right
