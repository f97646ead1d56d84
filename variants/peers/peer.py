"""What every attention of somebody else has in common."""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar

from torch import Tensor

from variants.config import AttentionConfig, Target, VariantOptions
from variants.interface import Variant


class Peer(Variant):
    """Mixed in before one of this project's variants, which gives the oracle and the cost.

    The package is imported when a layer is made: without it everything but that layer works.
    """

    package: ClassVar[str]
    """Its name in the package index; the module is called the same, with underscores."""
    backends = ("own",)

    @classmethod
    def conflict(cls, config: AttentionConfig, options: VariantOptions) -> str:
        if find_spec(cls.package.replace("-", "_")) is None:
            return f"{cls.package} is not installed; pip install 'hatrick-bench[peers]'"
        return super().conflict(config, options)

    @classmethod
    def preferred(cls, target: Target) -> tuple[str, ...]:
        return cls.backends

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        return ""


def check_multiple(name: str, seq_len: int, multiple: int) -> None:
    """Raise ValueError unless `seq_len` is a multiple of `multiple`."""
    if seq_len % multiple:
        raise ValueError(f"{name} needs a seq_len that is a multiple of {multiple}, got {seq_len}")


def refuse_padding(name: str, key_padding_mask: Tensor | None) -> None:
    """Raise ValueError if there is a mask: what these libraries compute at and behind padding
    differs from one to the other, and a sweep has none."""
    if key_padding_mask is not None:
        raise ValueError(f"{name} is adapted without padding; give no key_padding_mask")
