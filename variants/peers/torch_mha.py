"""Full attention as torch.nn has it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hatrick.inputs import check_input, zero_padding
from variants.config import AttentionConfig, Scope, Support, VariantOptions
from variants.full import Full
from variants.peers.peer import Peer
from variants.registry import register


@register("torch_mha")
class TorchMHA(Peer, Full):  # type: ignore[misc]  # one backend, not its four
    """`torch.nn.MultiheadAttention` between the residual and the norm of every sub-layer.

    Its parameters are those of `full`, one to one and under the same names. In evaluation without
    gradients it takes its own fast path, as it does for its users.
    """

    summary = "torch.nn.MultiheadAttention, need_weights=False: the layer of full"
    package = "torch"

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        # On `meta` the parameters that are replaced next take no memory and draw nothing.
        self.attention = nn.MultiheadAttention(
            config.dim, config.heads, batch_first=True, device="meta"
        )
        for name, parameter in self.in_proj.named_parameters():
            self.attention.register_parameter(f"in_proj_{name}", parameter)
        for name, parameter in self.out_proj.named_parameters():
            self.attention.out_proj.register_parameter(name, parameter)
        self._hidden: Tensor | None = None

    @classmethod
    def support(
        cls,
        config: AttentionConfig,
        device: torch.device,
        dtype: torch.dtype,
        *,
        scope: Scope = "layer",
        **asked: Any,
    ) -> Support:
        if scope == "core":
            return Support(False, f"{cls.name} has its projections inside: no core to time alone")
        return super().support(config, device, dtype, scope=scope, **asked)

    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        check_input(x, self.config.dim, key_padding_mask, self.norm.weight.dtype)
        x = zero_padding(x, key_padding_mask)
        causal = self.config.causal
        mixed, _ = self.attention(
            x,
            x,
            x,
            key_padding_mask=key_padding_mask,
            need_weights=False,
            attn_mask=self._later(x) if causal else None,
            is_causal=causal,
        )
        return zero_padding(self.norm(x + self.dropout(mixed)), key_padding_mask)

    def _later(self, x: Tensor) -> Tensor:
        """The mask that goes with `is_causal`: bool `(seq_len, seq_len)`, True = hidden. That of
        the last length is kept: it does not depend on the data."""
        seq_len = x.shape[1]
        if self._hidden is None or len(self._hidden) != seq_len or self._hidden.device != x.device:
            every = torch.ones(seq_len, seq_len, dtype=torch.bool, device=x.device)
            self._hidden = every.triu(1)
        return self._hidden
