"""What the first call does once and no later call does again: compiling, and building masks."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from hatrick.flex import mask_seconds


class Once:
    """Use it in a `with` block around a first call; afterwards `compile_ms` and `mask_ms` say what
    of it was spent on compilation (by torch's own account, Triton kernels of a library not
    included) and on masks that are kept."""

    def __enter__(self) -> Self:
        self._before = _compile_seconds(), mask_seconds()
        self.compile_ms = self.mask_ms = 0.0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        compiled, masked = self._before
        self.compile_ms = (_compile_seconds() - compiled) * 1e3
        self.mask_ms = (mask_seconds() - masked) * 1e3


def _compile_seconds() -> float:
    """Seconds torch.compile has spent in this process."""
    # Importing it would cost a second; what was never imported has compiled nothing.
    if "torch._dynamo.utils" not in sys.modules:
        return 0.0
    spent: dict[str, float] = sys.modules["torch._dynamo.utils"].calculate_time_spent()
    return spent["total_wall_time"]
