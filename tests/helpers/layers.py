"""Layers, inputs and masks that tests of several packages use."""

from __future__ import annotations

import torch
from torch import Tensor

import variants
from variants import AttentionConfig, Variant


def random(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """N(0, 1), drawn in float64 so that every dtype gets the same numbers, rounded."""
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).to(dtype)


def make_layer(
    name: str,
    *,
    dim: int = 8,
    heads: int = 2,
    causal: bool = False,
    chunk_size: int = 4,
    backend: str = "auto",
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    **options: object,
) -> Variant:
    """A layer in evaluation whose every parameter is random."""
    config = AttentionConfig(dim, heads, causal=causal, chunk_size=chunk_size)
    layer = variants.create(name, config, backend=backend, dtype=dtype, **options)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layer.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(noise / parameter.shape[-1] ** 0.5)
    return layer.eval()


def make_mask(padding: str, batch: int, seq_len: int, seed: int = 0) -> Tensor | None:
    """`none`, `tail` (at least one token stays), `anywhere` or `all`."""
    if padding == "none":
        return None
    if padding == "all":
        return torch.ones(batch, seq_len, dtype=torch.bool)
    generator = torch.Generator().manual_seed(seed)
    if padding == "anywhere":
        return torch.rand(batch, seq_len, generator=generator) < 0.6
    lengths = torch.randint(1, seq_len + 1, (batch, 1), generator=generator)
    return torch.arange(seq_len) >= lengths
