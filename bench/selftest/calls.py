"""Calls with a known amount of work, for checks of the clock."""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor
from torch.nn import functional as F


class Products:
    """A square matrix product, `times` times over.

    Args:
        size: rows and columns.
        times: how many products a call makes.
    """

    def __init__(self, size: int, times: int, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)
        self._a, self._b = (
            torch.randn(size, size, generator=generator).to(device) for _ in range(2)
        )
        self._out = torch.empty_like(self._a)
        self._times = times

    def __call__(self) -> Tensor:
        for _ in range(self._times):
            torch.mm(self._a, self._b, out=self._out)
        return self._out

    def twice(self) -> Products:
        """Twice as many products of the very same matrices: of others, which lie elsewhere in
        memory, a product may take a few percent more or less."""
        doubled = copy(self)
        doubled._times *= 2
        return doubled

    def clear(self) -> None:
        """There are no gradients."""


class Attention:
    """torch's scaled-dot-product attention of 8 heads, 64 wide.

    Args:
        seq_len: T.
    """

    def __init__(self, seq_len: int, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._qkv = [
            torch.randn(1, 8, seq_len, 64, generator=generator).to(device, dtype) for _ in range(3)
        ]

    def __call__(self) -> Tensor:
        query, key, value = self._qkv
        return F.scaled_dot_product_attention(query, key, value)

    def clear(self) -> None:
        """There are no gradients."""
