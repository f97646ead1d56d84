"""HATrick copies its output once more than it must."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import variants

_kind = variants.get("hatrick")
_forward = _kind.forward


def _copied(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
    output: Tensor = _forward(self, x, **kwargs)
    return output.clone()


_kind.forward = _copied  # type: ignore[method-assign]
