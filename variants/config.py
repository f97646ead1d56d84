"""What a variant is told, and what it answers: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from hatrick.inputs import check_sizes

Direction = Literal["forward", "forward+backward"]
Scope = Literal["layer", "core"]


class WrongShape(ValueError):
    """An attention returned something of another shape than its input asks for: a wrong answer."""


@dataclass(frozen=True, slots=True)
class AttentionConfig:
    """What all variants share.

    Args:
        dim: width of the model, a multiple of `heads`.
        heads: number of attention heads.
        causal: no output depends on a later input.
        chunk_size: about how many local keys a query sees. HATrick: the chunk. LSH: the chunk of
            the sorted sequence. Sliding window: two-sided `chunk_size // 2` on each side, causal
            `chunk_size - 1` before. Full: not used.
        dropout: probability with which an element of the attention's output (after the
            out-projection, before the residual) is zeroed in training.

    Raises:
        ValueError: a size below 1, `dim` not divisible by `heads`, `dropout` outside [0, 1); a
            `chunk_size` of "auto", which `variants.create` takes.
    """

    dim: int
    heads: int
    causal: bool = False
    chunk_size: int = 128
    dropout: float = 0.0

    def __post_init__(self) -> None:
        # A config does not know for which attention, length and device it is.
        if self.chunk_size == "auto":  # type: ignore[comparison-overlap]
            raise ValueError(
                "a config holds a chunk size in numbers; for the best one known on a device write "
                'variants.create(name, config, chunk_size="auto", seq_len=T)'
            )
        check_sizes(self.dim, self.heads, self.chunk_size, self.dropout, self.causal)

    @property
    def head_dim(self) -> int:
        """Width of one head, `dim // heads`."""
        return self.dim // self.heads


class VariantOptions(BaseModel):
    """What one variant alone has. Subclass it; each field is an option, validated and listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a variant can run somewhere; `reason` says why not, in words for a user."""

    ok: bool
    reason: str = ""
    backend: str = ""
    """The backend that would run; empty where none can."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how a variant is to run: what `backend_reason` judges."""

    config: AttentionConfig
    device: torch.device
    dtype: torch.dtype
    training: bool
    """Forward and backward; False: forward alone."""
    options: VariantOptions
    tokens: int = 0
    """batch · seq_len of a call; 0: not known."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One forward call: what `forward_cost` counts."""

    config: AttentionConfig
    batch: int
    seq_len: int
    scope: Scope
    element_size: int
    """Bytes of one element."""
    options: VariantOptions

    @property
    def activation_bytes(self) -> int:
        """Bytes of one `(batch, seq_len, dim)`: the output, or a core's query."""
        return self.batch * self.seq_len * self.config.dim * self.element_size
