"""Variants that are one attention core between shared projections."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hatrick.cost import Cost, linear, residual_norm
from hatrick.inputs import check_input, zero_padding
from hatrick.linear import Linear
from variants import oracles
from variants.config import AttentionConfig, VariantOptions, Workload
from variants.interface import Variant


class CoreVariant(Variant):
    """`y = LayerNorm(x + Dropout(out_proj(core(projections of x))))`.

    A subclass gives `core`, `counts` and `core_cost`; `core_tensors` says how many projections
    there are. Parameters: `in_proj`, `out_proj`, `norm`.
    """

    core_tensors: ClassVar[tuple[str, ...]] = ("query", "key", "value")

    def __init__(
        self,
        config: AttentionConfig,
        options: VariantOptions | None = None,
        *,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(config, options, backend=backend, device=device, dtype=dtype)
        dim = config.dim
        linear = nn.Linear if backend == "plain" else Linear
        self.in_proj = linear(dim, len(self.core_tensors) * dim, device=device, dtype=dtype)
        self.out_proj = linear(dim, dim, device=device, dtype=dtype)
        self.norm = nn.LayerNorm(dim, device=device, dtype=dtype)
        self.dropout = nn.Dropout(config.dropout)

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """The core's tensors, `(batch, heads, seq_len, head_dim)` each, from `x`."""
        batch, seq_len, _ = x.shape
        heads, head_dim = self.config.heads, self.config.head_dim
        parts = self.in_proj(x).view(batch, seq_len, len(self.core_tensors), heads, head_dim)
        return tuple(parts.permute(2, 0, 3, 1, 4).unbind())

    def finish(self, x: Tensor, mixed: Tensor, key_padding_mask: Tensor | None) -> Tensor:
        """What follows the core: out-projection, dropout, residual, norm, zeros at padding.

        Args:
            x: `(batch, seq_len, dim)`; mixed: the core's `(batch, heads, seq_len, head_dim)`.
        """
        mixed = self.dropout(self.out_proj(mixed.transpose(1, 2).flatten(2)))
        return zero_padding(self.norm(x + mixed), key_padding_mask)

    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        check_input(x, self.config.dim, key_padding_mask, self.norm.weight.dtype)
        x = zero_padding(x, key_padding_mask)
        mixed = self.core(*self.split(x), key_padding_mask=key_padding_mask)
        return self.finish(x, mixed, key_padding_mask)

    @classmethod
    @abstractmethod
    def core_cost(cls, workload: Workload) -> Cost | None:
        """Forward cost of the core of one sequence, all heads together; None if unknown."""

    @classmethod
    def forward_cost(cls, workload: Workload) -> Cost | None:
        core = cls.core_cost(workload)
        if core is None:
            return None
        cost = core * workload.batch
        if workload.scope == "layer":
            rows, dim, size = (
                workload.batch * workload.seq_len,
                workload.config.dim,
                workload.element_size,
            )
            cost += linear(rows, dim, len(cls.core_tensors) * dim, size)
            cost += linear(rows, dim, dim, size)
            cost += residual_norm(rows, dim, size)
        return cost

    @classmethod
    def parameter_count(cls, config: AttentionConfig) -> int:
        projections = len(cls.core_tensors) + 1
        return projections * (config.dim**2 + config.dim) + 2 * config.dim

    @classmethod
    def core_least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        """A lower bound of what the core alone takes, its inputs excluded: the output and, in
        training, the gradients of the inputs."""
        return workload.activation_bytes * (1 + len(cls.core_tensors) * training)

    @classmethod
    def least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int | None:
        core = cls.core_least_bytes(workload, backend, training=training)
        if workload.scope == "core":
            return core
        one = workload.activation_bytes
        if not training:
            return len(cls.core_tensors) * one + core  # the projections outlive the core
        # During the core's backward there is the layer's output for the core's, and the residual's
        # gradient besides; at the end there are all gradients.
        gradients = cls.parameter_count(workload.config) * workload.element_size
        return max(core + one, 2 * one + gradients)

    @abstractmethod
    def counts(self, seq_len: int, rows: Tensor) -> Tensor:
        """How often query `rows[r]` sees key j: bool or int64 `(R, seq_len)`."""

    def visible(self, seq_len: int) -> Tensor:
        where = oracles.positions(seq_len, None, self.in_proj.weight.device)
        # A token always reaches its own output, through its query and the residual.
        return (self.counts(seq_len, where) > 0) | (where[:, None] == where)

    def core_oracle(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        seq_len = tensors[0].shape[2]
        where = oracles.positions(seq_len, rows, tensors[0].device)
        return self.dense_attention(
            self.counts(seq_len, where), tensors, key_padding_mask, where, dtype
        )

    def core_full_oracle(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> Tensor | None:
        seq_len = tensors[0].shape[2]
        where = oracles.positions(seq_len, rows, tensors[0].device)
        counts = oracles.full_counts(seq_len, self.config.causal, where)
        return self.dense_attention(counts, tensors, key_padding_mask, where, torch.float64)

    def dense_attention(
        self,
        counts: Tensor,
        tensors: tuple[Tensor, ...],
        padding: Tensor | None,
        where: Tensor,
        dtype: torch.dtype,
    ) -> Tensor:
        """The one formula of every oracle: softmax(QKᵀ/√d + log C) V, for the queries `where`."""
        query, key, value = (
            oracles.without_padding(t, padding)
            for t in self.query_key_value(*(t.to(dtype) for t in tensors))
        )
        if padding is not None:
            counts = counts * ~padding[:, None, None, :]
        scale = self.config.head_dim**-0.5
        return oracles.multiset_attention(query[:, :, where], key, value, counts, scale)

    def query_key_value(self, *tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The core's tensors as a query, a key and a value."""
        query, key, value = tensors
        return query, key, value

    def dense_tensors(self, x: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """The oracle's `split`."""
        weight, bias = self.in_proj.weight.to(dtype), self.in_proj.bias.to(dtype)
        return oracles.project(x.to(dtype), weight, bias, self.config.heads)

    def dense_finish(
        self, x: Tensor, mixed: Tensor, padding: Tensor | None, rows: Tensor | None
    ) -> Tensor:
        """The oracle's `finish`, in the dtype of `mixed`, `(batch, heads, R, head_dim)`."""
        where = oracles.positions(x.shape[1], rows, x.device)
        dtype = mixed.dtype
        return oracles.sublayer(
            x[:, where].to(dtype),
            mixed,
            (self.out_proj.weight.to(dtype), self.out_proj.bias.to(dtype)),
            (self.norm.weight.to(dtype), self.norm.bias.to(dtype)),
            self.norm.eps,
            None if padding is None else padding[:, where],
        )

    def oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        x = oracles.without_padding(x, key_padding_mask)
        tensors = self.dense_tensors(x, dtype)
        mixed = self.core_oracle(
            *tensors, key_padding_mask=key_padding_mask, rows=rows, dtype=dtype
        )
        return self.dense_finish(x, mixed, key_padding_mask, rows)

    def full_oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor] | None:
        x = oracles.without_padding(x, key_padding_mask)
        tensors = self.dense_tensors(x, torch.float64)
        full = self.core_full_oracle(*tensors, key_padding_mask=key_padding_mask, rows=rows)
        if full is None:
            return None
        where = oracles.positions(x.shape[1], rows, x.device)
        x_rows = x[:, where].double()
        norm = (self.norm.weight.double(), self.norm.bias.double(), self.norm.eps)
        none = F.layer_norm(x_rows, x_rows.shape[-1:], *norm)
        if key_padding_mask is not None:
            none = none.masked_fill(key_padding_mask[:, where, None], 0.0)
        return self.dense_finish(x, full, key_padding_mask, rows), none
