"""An attention copies its output once more than it must."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def spoil(kind: Any) -> None:
    """Spoil a class of layers."""
    sound = kind.forward

    def forward(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
        output: Tensor = sound(self, x, **kwargs)
        return output.clone()

    kind.forward = forward
