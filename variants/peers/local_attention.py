"""Sliding-window attention of the package local-attention (lucidrains)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from variants.config import AttentionConfig, VariantOptions
from variants.peers.peer import refuse_padding
from variants.peers.window_peer import WindowPeer
from variants.registry import register


@register("local_attention")
class LocalAttentionPeer(WindowPeer):
    """`local_attention.LocalAttention` with exact windows and without rotary positions.

    It cuts the sequence into blocks of `window_size`; a query's block sees the one before and, if
    not causal, the one after, and `exact_windowsize` masks what is further off than `window_size`.
    So `window_size` is `chunk_size // 2`, or causal `chunk_size - 1`: the very window of
    `sliding_window`.
    """

    summary = "local-attention's LocalAttention: the window of sliding_window"
    package = "local-attention"

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        from local_attention import LocalAttention

        self.attention = LocalAttention(
            window_size=self.sides[0],
            causal=config.causal,
            look_backward=1,
            look_forward=0 if config.causal else 1,
            exact_windowsize=True,
            autopad=True,
            use_rotary_pos_emb=False,
        )

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        refuse_padding(self.name, key_padding_mask)
        query = tensors[0]
        seq_len = query.shape[2]
        exists = None
        if seq_len % self.sides[0] and not self.config.causal:
            # Without a mask the zeros that `autopad` appends are keys like any other.
            exists = torch.ones(1, seq_len, dtype=torch.bool, device=query.device)
        out: Tensor = self.attention(*tensors, mask=exists)
        return out
