"""HATrick as the published class computes it, under torch.compile."""

from __future__ import annotations

import torch
from torch import Tensor

from hatrick.flex import compile_reason
from hatrick.module import HATrick
from variants.config import AttentionConfig, Target, VariantOptions, Workload
from variants.hatrick import HATrickVariant
from variants.interface import Variant
from variants.peers.peer import Peer
from variants.registry import register


@register("hatrick_compiled")
class HATrickCompiled(Peer, HATrickVariant):  # type: ignore[misc]  # one backend, not its own
    """The backend `plain` of `hatrick`, each length compiled by itself: what a user of the
    published class gets for one line more."""

    summary = "torch.compile of HATrick as published"
    package = "torch"

    def __init__(
        self,
        config: AttentionConfig,
        options: VariantOptions | None = None,
        *,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        Variant.__init__(self, config, options, backend=backend, device=device, dtype=dtype)
        sizes = (config.dim, config.heads, config.chunk_size, config.causal, config.dropout)
        self.layer = HATrick(*sizes, device, dtype, backend="plain")
        # The method, not the module: a compiled module would be a second owner of the parameters.
        self._compiled = torch.compile(self.layer.forward, dynamic=False)

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        return compile_reason(target.device)

    @classmethod
    def least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        """What is known of any attention: the compiler decides what else exists."""
        return workload.activation_bytes * (1 + training)

    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        y: Tensor = self._compiled(x, key_padding_mask=key_padding_mask)
        return y
