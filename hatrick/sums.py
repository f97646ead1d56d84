"""Gradients of parameters that are added up block by block."""

from __future__ import annotations

import torch
from torch import Tensor


class Sum:
    """A parameter's gradient, to which every block adds; in float32 at least. Nothing is added up
    where it is not wanted."""

    def __init__(self, *shape: int, like: Tensor, wanted: bool) -> None:
        wide = torch.promote_types(like.dtype, torch.float32)
        self._dtype = like.dtype
        self._total = torch.zeros(*shape, dtype=wide, device=like.device) if wanted else None

    def product(self, grad: Tensor, x: Tensor) -> None:
        """Add gradᵀ x: the weight of y = x Wᵀ, given the gradient of y."""
        if self._total is None:
            return
        if self._total.dtype == grad.dtype:
            self._total.addmm_(grad.t(), x)
        else:
            self._total += grad.t() @ x

    def rows(self, grad: Tensor) -> None:
        """Add the sum of all rows: a bias."""
        if self._total is not None:
            self._total += grad.sum(0)

    def add(self, grad: Tensor, part: slice = slice(None)) -> None:
        """Add `grad` to that part."""
        if self._total is not None:
            self._total[part] += grad

    def get(self) -> Tensor | None:
        """The sum in the parameter's dtype; None where it was not wanted."""
        return None if self._total is None else self._total.to(self._dtype)
