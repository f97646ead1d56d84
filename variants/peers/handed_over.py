"""A projection that was made already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class HandedOver(nn.Module):
    """Stands where a module has a projection, and gives what it was given instead of projecting.

    So the forward of somebody else's layer runs whole on tensors that were projected before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tensor: Tensor | None = None

    @contextmanager
    def holding(self, tensor: Tensor) -> Iterator[None]:
        """Give `tensor` within the block; it is not kept alive beyond."""
        self._tensor = tensor
        try:
            yield
        finally:
            self._tensor = None

    def forward(self, _: Tensor) -> Tensor:
        assert self._tensor is not None, "call within `holding`"
        # Let go of at once, so that the layer can free it as it could its own projection.
        tensor, self._tensor = self._tensor, None
        return tensor


def shape_only(like: Tensor, *shape: int) -> Tensor:
    """`shape` in the dtype and on the device of `like`, for a layer that reads nothing but the
    shape: one element, expanded."""
    return torch.zeros((), dtype=like.dtype, device=like.device).expand(shape)
