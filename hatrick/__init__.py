"""HATrick: hierarchical attention over chunks and their CLS vectors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatrick.chunk_size.for_hatrick import choose_chunk_size
    from hatrick.cost import Cost
    from hatrick.module import HATrick

_HOMES = {"Cost": "cost", "HATrick": "module", "choose_chunk_size": "chunk_size.for_hatrick"}

__all__ = ["Cost", "HATrick", "choose_chunk_size"]


def __getattr__(name: str) -> Any:
    # Every pytest of the environment imports hatrick.pytest_plugin; it must not pay for torch.
    if name in _HOMES:
        return getattr(import_module(f"hatrick.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'hatrick' has no attribute {name!r}")
