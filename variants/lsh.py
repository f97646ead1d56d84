"""LSH attention (Reformer): queries see the keys that hash into their neighbourhood.

Kitaev, Kaiser, Levskaya: Reformer, ICLR 2020, section 2. Queries and keys are one projection.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from hatrick.cost import Cost
from hatrick.inputs import check_heads, check_input, check_mask, zero_padding
from variants import lsh_cost, oracles
from variants.config import AttentionConfig, Target, VariantOptions, Workload
from variants.core import CoreVariant
from variants.lsh_hashing import Rotations, hash_buckets
from variants.lsh_rounds import BACKENDS, attend_rounds, rounds_reason
from variants.lsh_sorting import sort_by_bucket
from variants.registry import register

Wrap = Literal["flat", "round", "none"]


def lsh_attention(
    qk: Tensor,
    v: Tensor,
    *,
    chunk_size: int,
    rounds: int,
    causal: bool = False,
    scale: float | None = None,
    wrap: Wrap = "flat",
    buckets: Tensor | None = None,
    generator: torch.Generator | None = None,
    key_padding_mask: Tensor | None = None,
    backend: str = "auto",
) -> Tensor:
    """Attention within chunks of the sequence sorted by hash bucket, over several rounds.

    Each round sorts the tokens by bucket (stable) and cuts them into chunks; a query sees its own
    chunk and the one before. A key is qk / ‖qk‖. A token does not see itself unless it sees
    nothing else: then it gets its own value. Rounds are joined by their log-sum-exps, which
    equals one softmax over all slots in which a key is seen.

    Args:
        qk, v: `(batch, heads, seq_len, head_dim)`.
        chunk_size: tokens in a chunk; the tail is padded.
        rounds: number of hash rounds.
        scale: of the scores; 1/sqrt(head_dim) if None.
        wrap: what the first chunk of a round looks back at: `flat` (as published) the last chunk
            of the round before, and in the first round that of the last; `round` the last chunk
            of its own round; `none` nothing.
        buckets: int64 `(batch, heads, rounds, seq_len)` instead of hashing.
        generator: for the hash functions; see `hash_buckets`.
        key_padding_mask: bool `(batch, seq_len)`, True = padding: no key, sorted behind the rest.
        backend: `auto`, `sdpa`, `flex` or `plain`.

    Returns:
        `(batch, heads, seq_len, head_dim)`.

    Raises:
        ValueError: shapes that do not fit, a size below 1, an unknown `wrap` or backend, or a
            backend that cannot run here.
    """
    _check(qk, v, chunk_size, rounds, wrap, buckets, backend)
    batch, _, seq_len, head_dim = qk.shape
    check_mask(key_padding_mask, batch, seq_len)
    qk, v = zero_padding(qk, key_padding_mask), zero_padding(v, key_padding_mask)
    if buckets is None:
        buckets = hash_buckets(qk, chunk_size=chunk_size, rounds=rounds, generator=generator)

    order = sort_by_bucket(buckets, key_padding_mask, chunk_size)
    slots = order.shape[3]
    exists = None  # where all tokens exist: the common case needs no mask for it
    if slots > seq_len or key_padding_mask is not None:
        exists = (torch.arange(slots, device=qk.device) < seq_len).expand(batch, -1)
        if key_padding_mask is not None:
            exists = exists & ~F.pad(key_padding_mask, (0, slots - seq_len), value=True)
    return attend_rounds(
        qk,
        v,
        order,
        exists=exists,
        chunk_size=chunk_size,
        causal=causal,
        wrap=wrap,
        scale=head_dim**-0.5 if scale is None else scale,
        backend=backend,
    )


def _check(
    qk: Tensor,
    v: Tensor,
    chunk_size: int,
    rounds: int,
    wrap: str,
    buckets: Tensor | None,
    backend: str,
) -> None:
    check_heads(qk, v)
    if chunk_size < 1 or rounds < 1:
        raise ValueError(f"chunk_size and rounds must be at least 1, got {chunk_size} and {rounds}")
    if wrap not in ("flat", "round", "none"):
        raise ValueError(f"wrap must be flat, round or none, got {wrap!r}")
    if backend not in ("auto", *BACKENDS):
        raise ValueError(f"no backend {backend!r}; choose from auto, {', '.join(BACKENDS)}")
    expected = (*qk.shape[:2], rounds, qk.shape[2])
    if buckets is not None and (
        tuple(buckets.shape) != expected or buckets.dtype not in (torch.int32, torch.int64)
    ):
        raise ValueError(
            f"buckets must be int64 or int32 (batch, heads, rounds, seq_len) = {expected}, "
            f"got {buckets.dtype} {tuple(buckets.shape)}"
        )


class LSHOptions(VariantOptions):
    """What only LSH attention has."""

    rounds: int = Field(default=4, ge=1)
    """Hash rounds."""
    wrap: Wrap = "flat"
    """What the first chunk of a round looks back at."""
    seed: int = Field(default=0, ge=0)
    """Of the hash functions: the layer hashes the same way at every call."""


@register("lsh")
class LSH(CoreVariant):
    """LSH attention as a sub-layer. `forward` takes `buckets` and `generator` besides."""

    summary = "tokens sorted by hash bucket, each sees its chunk and the one before"
    backends = BACKENDS
    core_tensors = ("query_key", "value")
    Options = LSHOptions
    options: LSHOptions

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        self._rotations = Rotations(self.options.seed, self.options.rounds)

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        return rounds_reason(
            backend,
            target.device,
            target.dtype,
            target.config.head_dim,
            training=target.training,
        )

    def buckets(self, qk: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The buckets of `qk`, `(batch, heads, rounds, seq_len)`."""
        size = self.config.chunk_size
        if generator is None:
            return self._rotations.buckets(qk, size)
        return hash_buckets(qk, chunk_size=size, rounds=self.options.rounds, generator=generator)

    def core(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        buckets: Tensor | None = None,
    ) -> Tensor:
        qk, v = tensors
        if buckets is None:
            buckets = self.buckets(zero_padding(qk, key_padding_mask))
        return lsh_attention(
            qk,
            v,
            chunk_size=self.config.chunk_size,
            rounds=self.options.rounds,
            causal=self.config.causal,
            wrap=self.options.wrap,
            buckets=buckets,
            key_padding_mask=key_padding_mask,
            backend=self.backend,
        )

    def forward(
        self,
        x: Tensor,
        *,
        key_padding_mask: Tensor | None = None,
        buckets: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """As every variant's; `buckets` `(batch, heads, rounds, seq_len)` instead of hashing, or
        a `generator` for other hash functions than those of the option `seed`."""
        check_input(x, self.config.dim, key_padding_mask, self.norm.weight.dtype)
        x = zero_padding(x, key_padding_mask)
        qk, v = self.split(x)
        if buckets is None:
            buckets = self.buckets(qk, generator)
        mixed = self.core(qk, v, key_padding_mask=key_padding_mask, buckets=buckets)
        return self.finish(x, mixed, key_padding_mask)

    def oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
        buckets: Tensor | None = None,
    ) -> Tensor:
        """As every variant's. The hashes are an input to it: `buckets`, or those of `forward`,
        since a hash computed in another precision may be another hash."""
        x = oracles.without_padding(x, key_padding_mask)
        if buckets is None:
            buckets = self.buckets(self.split(x)[0])
        tensors = self.dense_tensors(x, dtype)
        mixed = self.core_oracle(
            *tensors, key_padding_mask=key_padding_mask, rows=rows, dtype=dtype, buckets=buckets
        )
        return self.dense_finish(x, mixed, key_padding_mask, rows)

    def core_oracle(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
        buckets: Tensor | None = None,
    ) -> Tensor:
        qk, value = tensors
        if buckets is None:
            buckets = self.buckets(oracles.without_padding(qk, key_padding_mask))
        where = oracles.positions(qk.shape[2], rows, qk.device)
        counts = self.bucket_counts(buckets, where, key_padding_mask)
        mixed = self.dense_attention(counts, tensors, key_padding_mask, where, dtype)
        own = oracles.without_padding(value.to(dtype), key_padding_mask)[:, :, where]
        return torch.where((counts > 0).any(-1, keepdim=True), mixed, own)

    def query_key_value(self, *tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        qk, value = tensors
        # Clamped under the root, whose derivative at zero is infinite.
        length = qk.square().sum(-1, keepdim=True).clamp(min=1e-24).sqrt()
        return qk, qk / length, value

    def bucket_counts(
        self, buckets: Tensor, rows: Tensor, key_padding_mask: Tensor | None = None
    ) -> Tensor:
        """How often each query in `rows` sees each key: int64 `(batch, heads, R, seq_len)`."""
        return oracles.lsh_counts(
            buckets,
            rows,
            chunk_size=self.config.chunk_size,
            causal=self.config.causal,
            wrap=self.options.wrap,
            key_padding_mask=key_padding_mask,
        )

    def counts(self, seq_len: int, rows: Tensor) -> Tensor:
        """Before hashing any token may come to see any other."""
        return oracles.full_counts(seq_len, self.config.causal, rows)

    def visible(self, seq_len: int, buckets: Tensor | None = None) -> Tensor:
        """As every variant's; with `buckets` `(1, heads, rounds, seq_len)` held fixed, what is
        left of it. A token always reaches its own output, through query and residual."""
        if buckets is None:
            return super().visible(seq_len)
        where = oracles.positions(seq_len, None, buckets.device)
        seen = (self.bucket_counts(buckets, where) > 0).any(1)[0]
        return seen | (where[:, None] == where)

    @classmethod
    def core_cost(cls, workload: Workload) -> Cost:
        return lsh_cost.core_cost(workload, _rounds(workload))

    @classmethod
    def cost_without_gradient(cls, workload: Workload) -> Cost:
        return lsh_cost.hashing_cost(workload, _rounds(workload))

    @classmethod
    def core_least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        return lsh_cost.least_bytes(workload, _rounds(workload), backend, training=training)


def _rounds(workload: Workload) -> int:
    assert isinstance(workload.options, LSHOptions)
    return workload.options.rounds
