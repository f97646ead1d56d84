"""The one interface behind which every attention stands.

A variant is the attention sub-layer of a Transformer, residual and norm included:
`y = LayerNorm(x + Dropout(Attention(x)))`, `x` and `y` of shape `(batch, seq_len, dim)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from hatrick.chunk_size.remembered import RemembersChunkSize
from hatrick.cost import Cost, passes
from variants.code import own_code
from variants.config import (
    AttentionConfig,
    Direction,
    Scope,
    Support,
    Target,
    VariantOptions,
    Workload,
)


class Variant(RemembersChunkSize, ABC):
    """An attention sub-layer. Register a subclass with `variants.register`.

    Args:
        config: what all variants share.
        options: an instance of `type(self).Options`; None for the defaults.
        backend: `auto`, or one of `type(self).backends`.
        device, dtype: where and in what the parameters are made.

    Raises:
        ValueError: `backend` is not one of this variant's, or config and options conflict.
    """

    name: ClassVar[str] = ""
    """Set by registration."""
    summary: ClassVar[str] = ""
    """What it computes, in a line, for `hatrick variants`."""
    backends: ClassVar[tuple[str, ...]] = ("plain",)
    """In the order in which `auto` prefers them, unless `preferred` says otherwise."""
    uses_chunk_size: ClassVar[bool] = True
    """False: a sweep has one point for it, not one per chunk size."""
    core_tensors: ClassVar[tuple[str, ...]] = ()
    """Names of the tensors `core` takes; empty where the variant has no core."""
    oracle_is_independent: ClassVar[bool] = True
    """False: the oracle is the fast path itself run in float64."""
    Options: ClassVar[type[VariantOptions]] = VariantOptions

    config: AttentionConfig
    options: VariantOptions
    chunk_size_source: str = "given"
    """Where the chunk size comes from: `given`, or in words what `"auto"` took it from."""

    def __init__(
        self,
        config: AttentionConfig,
        options: VariantOptions | None = None,
        *,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if backend not in ("auto", *self.backends):
            raise ValueError(
                f"{self.name or type(self).__name__} has no backend {backend!r}; "
                f"choose from auto, {', '.join(self.backends)}"
            )
        self.config = config
        self.options = self.Options() if options is None else options
        if conflict := self.conflict(config, self.options):
            raise ValueError(f"{self.name}: {conflict}")
        self.backend = backend

    @classmethod
    def support(
        cls,
        config: AttentionConfig,
        device: torch.device,
        dtype: torch.dtype,
        *,
        backend: str = "auto",
        direction: Direction = "forward+backward",
        scope: Scope = "layer",
        options: VariantOptions | None = None,
        tokens: int = 0,
    ) -> Support:
        """Whether this can run there, and on which backend, without running anything.

        Args:
            tokens: batch · seq_len of a call, by which `auto` may choose; 0: not known.
        """
        if not dtype.is_floating_point:
            return Support(False, f"attention needs a floating-point dtype, not {dtype}")
        if scope == "core" and not cls.core_tensors:
            return Support(False, f"{cls.name} has no (query, key, value) core to time alone")
        if backend not in ("auto", *cls.backends):
            known = ", ".join(cls.backends)
            return Support(False, f"{cls.name} has no backend {backend!r}; it has {known}")
        options = options or cls.Options()
        if conflict := cls.conflict(config, options):
            return Support(False, conflict)
        target = Target(config, device, dtype, direction == "forward+backward", options, tokens)
        reasons = []
        for name in cls.preferred(target) if backend == "auto" else (backend,):
            reason = cls.backend_reason(name, target)
            if not reason:
                return Support(True, backend=name)
            reasons.append(f"{name}: {reason}")
        return Support(False, "; ".join(reasons))

    @classmethod
    def chunked(cls, options: VariantOptions) -> bool:
        """Whether it looks at `chunk_size`, given these options."""
        return cls.uses_chunk_size

    @classmethod
    def code_identity(cls) -> str:
        """Digest of the sources that compute it: measurements of other sources are of another
        attention. Of the packages `hatrick` and `variants`, and the file of this class."""
        return own_code(cls)

    def remembered_chunk_size(self) -> int | None:
        return self.config.chunk_size if self.chunked(self.options) else None

    @classmethod
    def conflict(cls, config: AttentionConfig, options: VariantOptions) -> str:
        """Why these options make no sense with this config; empty if they do."""
        return ""

    @classmethod
    def preferred(cls, target: Target) -> tuple[str, ...]:
        """The backends in the order in which `auto` tries them there."""
        return cls.backends

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        """Why this backend cannot run there; empty if it can."""
        return ""

    @classmethod
    def cost(
        cls,
        config: AttentionConfig,
        batch: int,
        seq_len: int,
        direction: Direction,
        *,
        scope: Scope = "layer",
        element_size: int = 4,
        options: VariantOptions | None = None,
    ) -> Cost | None:
        """FLOPs and bytes of one call, by the conventions of `hatrick.cost`; None if unknown.

        Raises:
            ValueError: an unknown direction, or the core of a variant that has none.
        """
        workload = Workload(config, batch, seq_len, scope, element_size, options or cls.Options())
        if scope == "core" and not cls.core_tensors:
            raise ValueError(f"{cls.name} has no core whose cost could be counted")
        forward = cls.forward_cost(workload)
        if forward is None:
            return None
        return forward * passes(direction) + cls.cost_without_gradient(workload)

    @classmethod
    @abstractmethod
    def forward_cost(cls, workload: Workload) -> Cost | None:
        """FLOPs and bytes of what is differentiated in one forward call; None if unknown."""

    @classmethod
    def cost_without_gradient(cls, workload: Workload) -> Cost:
        """What a forward call costs besides, and no backward repeats: LSH's hashing."""
        return Cost(0, 0)

    @classmethod
    def least_workspace(
        cls,
        config: AttentionConfig,
        batch: int,
        seq_len: int,
        direction: Direction,
        *,
        scope: Scope = "layer",
        element_size: int = 4,
        backend: str = "auto",
        options: VariantOptions | None = None,
    ) -> int | None:
        """A lower bound, in bytes, of the memory that one call takes above what was resident before
        it (output and gradients included): tensors that must exist at the same time. None if
        unknown.

        Args:
            backend: the one that runs; `auto`: the bound holds for whichever it is.

        Raises:
            ValueError: an unknown direction.
        """
        workload = Workload(config, batch, seq_len, scope, element_size, options or cls.Options())
        return cls.least_bytes(workload, backend, training=passes(direction) > 1)

    @classmethod
    def least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int | None:
        """`least_workspace`, by workload. Here what is known of any attention: the output and, in
        training, the gradients of the inputs."""
        inputs = len(cls.core_tensors) if workload.scope == "core" else 1
        return workload.activation_bytes * (1 + inputs * training)

    @classmethod
    def parameter_count(cls, config: AttentionConfig) -> int:
        """Elements of all parameters, as far as known without building the layer."""
        return 0

    @abstractmethod
    def visible(self, seq_len: int) -> Tensor:
        """Which inputs can reach which outputs: bool `(seq_len, seq_len)`, `[output, input]`."""

    @abstractmethod
    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        """Apply the sub-layer.

        Args:
            x: `(batch, seq_len, dim)`.
            key_padding_mask: bool `(batch, seq_len)`, True = padding
                (`torch.nn.MultiheadAttention`'s convention): no key for anyone.

        Returns:
            `(batch, seq_len, dim)`; zero at padded positions.

        Raises:
            ValueError: a shape or dtype other than the above.
        """

    @abstractmethod
    def oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        """The same function with the same parameters as the plainest dense code, in `dtype`.

        Shares no code with `forward`. With `rows`, an int64 vector of positions, only those
        outputs are made: `(batch, len(rows), dim)`.
        """

    def full_oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor] | None:
        """Full attention through this variant's own projections, and no attention at all.

        Returns:
            `(y_full, LayerNorm(x))` in float64, each `(batch, len(rows), dim)`, or None where
            the variant has no projections that full attention could share.
        """
        return None

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        """The attention alone: tensors named by `core_tensors`, `(batch, heads, seq_len, head_dim)`
        each, no projection and no norm. Only where `core_tensors` is not empty."""
        raise NotImplementedError(f"{self.name} has no core")

    def core_oracle(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        """`oracle` for `core`: `(batch, heads, len(rows), head_dim)`."""
        raise NotImplementedError(f"{self.name} has no core")

    def core_full_oracle(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> Tensor | None:
        """Full attention over the same core tensors, in float64: `(batch, heads, len(rows),
        head_dim)`. No attention at all is zero here: a core has neither residual nor norm."""
        return None

    def extra_repr(self) -> str:
        """Shown by `repr(layer)`."""
        source = self.chunk_size_source
        chosen = f", chunk_size_source={source!r}" if source != "given" else ""
        return f"{self.config}, {self.options!r}, backend={self.backend!r}{chosen}"
