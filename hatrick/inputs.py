"""What every layer checks of its inputs, and what it does about padding."""

from __future__ import annotations

import torch
from torch import Tensor


def check_sizes(dim: int, heads: int, chunk_size: int, dropout: float, causal: bool) -> None:
    """Raise ValueError unless these make a layer."""
    for name, value in (("dim", dim), ("heads", heads), ("chunk_size", chunk_size)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            is_word = name == "chunk_size" and isinstance(value, str)
            word = '; the one word that a layer takes is "auto"' if is_word else ""
            raise ValueError(f"{name} must be an integer of at least 1, got {value!r}{word}")
    if dim % heads:
        raise ValueError(f"dim must be divisible by heads, got dim={dim} and heads={heads}")
    if not 0.0 <= dropout < 1.0:
        raise ValueError(f"dropout must be in [0, 1), got {dropout!r}")
    if not isinstance(causal, bool):
        raise ValueError(f"causal must be True or False, got {causal!r}")


def check_seq_len(chunk_size: int | str, seq_len: int | None) -> None:
    """Raise ValueError unless the length is given exactly where a chunk size is chosen for it."""
    if chunk_size == "auto" and seq_len is None:
        raise ValueError(
            'chunk_size="auto" chooses for a length, and seq_len is missing: give seq_len=8192, or '
            "whatever the sequences have, or a chunk_size in numbers"
        )
    if chunk_size != "auto" and seq_len is not None:
        raise ValueError(
            f'seq_len={seq_len!r} is for chunk_size="auto" only, and chunk_size is {chunk_size!r}: '
            "leave seq_len out (a layer takes sequences of any length)"
        )


def check_heads(*tensors: Tensor) -> None:
    """Raise ValueError unless all are `(batch, heads, seq_len ≥ 1, head_dim)`, of one shape."""
    shapes = [tuple(t.shape) for t in tensors]
    if len(shapes[0]) != 4 or len(set(shapes)) > 1 or shapes[0][2] < 1:
        raise ValueError(
            "all tensors must be (batch, heads, seq_len, head_dim), of one shape and with at least "
            f"one token, got {', '.join(map(str, shapes))}"
        )


def check_input(x: Tensor, dim: int, key_padding_mask: Tensor | None, dtype: torch.dtype) -> None:
    """Raise ValueError unless `x` is `(batch, seq_len ≥ 1, dim)` and of the layer's `dtype` (or
    autocast is on), and the mask bool `(batch, seq_len)`."""
    if x.dim() != 3 or x.shape[2] != dim:
        raise ValueError(f"x must be (batch, seq_len, {dim}), got {tuple(x.shape)}")
    if x.shape[1] < 1:
        raise ValueError(f"x must hold at least one token, got {tuple(x.shape)}")
    if not x.is_floating_point():
        raise ValueError(f"x must be a floating-point tensor, got {x.dtype}")
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(f"x must be {dtype} as the layer is, got {x.dtype}; convert one of them")
    check_mask(key_padding_mask, x.shape[0], x.shape[1])


def check_mask(key_padding_mask: Tensor | None, batch: int, seq_len: int) -> None:
    """Raise ValueError unless the mask is None or bool `(batch, seq_len)`."""
    if key_padding_mask is None:
        return
    if key_padding_mask.dtype != torch.bool:
        raise ValueError(
            "key_padding_mask must be bool with True = padding, "
            f"got {key_padding_mask.dtype}; write `mask == 0` for a mask with 1 = token"
        )
    if tuple(key_padding_mask.shape) != (batch, seq_len):
        raise ValueError(
            f"key_padding_mask must be (batch, seq_len) = ({batch}, {seq_len}), "
            f"got {tuple(key_padding_mask.shape)}"
        )


def zero_padding(x: Tensor, key_padding_mask: Tensor | None) -> Tensor:
    """`x`, `(batch, seq_len, dim)` or `(batch, heads, seq_len, head_dim)`, with zeros at padded
    positions.

    On the way in it keeps what padding holds, NaN included, away from everything else, gradients
    too; on the way out it is the output's contract.
    """
    if key_padding_mask is None:
        return x
    mask = key_padding_mask[..., None]
    return x.masked_fill(mask if x.dim() == 3 else mask[:, None], 0.0)
