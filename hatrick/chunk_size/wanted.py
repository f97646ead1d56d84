"""For what a chunk size is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from hatrick.chunk_size.profile import OptionValue
from hatrick.cost import Cost
from hatrick.devices import model_name, placed, threads

Direction = Literal["forward", "forward+backward"]
CostOf = Callable[[int, Direction], Cost | None]
"""The cost of one call with a chunk size in a direction, at the wanted length, heads and width and
for the wanted batch, 1 where none is wanted; None where it is not known."""


@dataclass(frozen=True)
class Wanted:
    """A layer that is about to be made.

    Args:
        variant: its registered name.
        options: what this variant alone has, as in a profile's setting.
        backend: `auto` or a name.
        dim, heads, causal: of the layer.
        seq_len: T of the sequences that it is made for, at least 1.
        code: by `hatrick.chunk_size.identity.code_identity`.
        device, dtype: of its parameters; None: torch's defaults.
        direction, batch: None where they are not known, as when a layer is made.
    """

    variant: str
    backend: str
    dim: int
    heads: int
    causal: bool
    seq_len: int
    code: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    device: torch.device | str | None = None
    dtype: torch.dtype | None = None
    direction: Direction | None = None
    batch: int | None = None

    @property
    def place(self) -> torch.device:
        """The device that is chosen for."""
        return placed(self.device)

    @property
    def dtype_name(self) -> str:
        """torch's name without the prefix."""
        return str(self.dtype or torch.get_default_dtype()).removeprefix("torch.")

    @property
    def setting(self) -> dict[str, Any]:
        """What a profile's setting must have, as far as it is known."""
        values = {
            "variant": self.variant,
            "options": dict(self.options),
            "backend": self.backend,
            "device_name": model_name(self.place),
            "threads": threads(self.place),
            "dtype": self.dtype_name,
            "dim": self.dim,
            "heads": self.heads,
            "causal": self.causal,
            "direction": self.direction,
            "batch": self.batch,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def command(self) -> str:
        """What to run to measure which chunk size is best for it."""
        options = "".join(f":{name}={value}" for name, value in self.options.items())
        known = {
            "variant": self.variant + options,
            "seq-len": self.seq_len,
            "dim": self.dim,
            "heads": self.heads,
            "dtype": self.dtype_name,
            "device": self.place.type,
            "causal": "true" if self.causal else None,
            "backend": None if self.backend == "auto" else self.backend,
            "direction": self.direction,
            "batch": self.batch,
        }
        flags = [f"--{name} {value}" for name, value in known.items() if value is not None]
        # A tuning has a thread for each core unless told, and a process of torch's may have fewer.
        own = threads(self.place)
        return " ".join(([f"OMP_NUM_THREADS={own}"] if own else []) + ["hatrick tune", *flags])
