"""HATrick gets one element of its output wrong."""

from __future__ import annotations

from typing import Any

from torch import Tensor

import variants

_kind = variants.get("hatrick")
_forward = _kind.forward


def _wrong(self: Any, x: Tensor, **kwargs: Any) -> Tensor:
    output: Tensor = _forward(self, x, **kwargs).clone()
    output[0, 0, 0] += 1.0  # of elements whose standard deviation is 1
    return output


_kind.forward = _wrong  # type: ignore[method-assign]
