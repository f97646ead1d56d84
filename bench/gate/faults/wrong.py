"""An attention gets one element of its output wrong."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def spoil(kind: Any) -> None:
    """Spoil a class of layers."""
    sound = kind.forward

    def forward(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
        output: Tensor = sound(self, x, **kwargs).clone()
        output[0, 0, 0] += 1.0  # of elements whose standard deviation is 1
        return output

    kind.forward = forward
