"""Sliding-window attention of transformers: Longformer's, without global tokens.

Beltagy, Peters, Cohan: Longformer, arXiv 2004.05150, section 3.1; the "sliding chunks" of it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from variants.config import AttentionConfig, VariantOptions
from variants.peers.handed_over import HandedOver, shape_only
from variants.peers.peer import check_multiple, refuse_padding
from variants.peers.window_peer import WindowPeer
from variants.registry import register


@register("hf_longformer")
class HFLongformer(WindowPeer):
    """`transformers`' `LongformerSelfAttention` with `attention_window = 2 (chunk_size // 2)`.

    Its own forward runs whole; the query, key and value are handed to it where it would project.
    Two-sided only, and the length is a multiple of the window.
    """

    summary = "transformers' LongformerSelfAttention: the two-sided window of sliding_window"
    package = "transformers"
    smallest_chunk = 4  # of one key on each side it copies a part that is not there

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        from transformers.models.longformer.configuration_longformer import LongformerConfig
        from transformers.models.longformer.modeling_longformer import LongformerSelfAttention

        described = LongformerConfig(
            hidden_size=config.dim,
            num_attention_heads=config.heads,
            attention_window=[2 * self.sides[0]],
            attention_probs_dropout_prob=0.0,
        )
        # On `meta` its own projections, which are not used, take no memory and draw nothing.
        with torch.device("meta"):
            self.attention = LongformerSelfAttention(described, layer_id=0)
        for name in ("query", "key", "value"):
            setattr(self.attention, name, HandedOver())
            delattr(self.attention, f"{name}_global")

    @classmethod
    def conflict(cls, config: AttentionConfig, options: VariantOptions) -> str:
        if config.causal:
            return f"{cls.name} has no causal form"
        return super().conflict(config, options)

    def core(self, *tensors: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        refuse_padding(self.name, key_padding_mask)
        batch, heads, seq_len, head_dim = tensors[0].shape
        check_multiple(self.name, seq_len, 2 * self.sides[0])
        nobody = torch.zeros(batch, seq_len, dtype=torch.bool, device=tensors[0].device)
        with ExitStack() as stack:
            for name, tensor in zip(("query", "key", "value"), tensors, strict=True):
                projection: HandedOver = getattr(self.attention, name)
                stack.enter_context(projection.holding(_sequence_first(tensor)))
            (out,) = self.attention(
                shape_only(tensors[0], batch, seq_len, heads * head_dim),
                attention_mask=nobody,  # a mask of 0 is local attention
                is_index_masked=nobody,
                is_global_attn=False,
            )
        split: Tensor = out.view(batch, seq_len, heads, head_dim).transpose(1, 2)
        return split


def _sequence_first(tensor: Tensor) -> Tensor:
    """`(batch, heads, seq_len, d)` as a new `(seq_len, batch, heads · d)`, the layout of its
    projections' outputs. New, for the layer divides the query in place."""
    return tensor.permute(2, 0, 1, 3).clone(memory_format=torch.contiguous_format).flatten(2)
