"""FlexAttention, compiled once, with the two masks this project needs.

Uncompiled, FlexAttention builds the whole score matrix; so it is never called uncompiled here,
and a recompilation that torch would give up on is an error instead of a silent fall-back.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
BLOCK = 128


@lru_cache(maxsize=1)
def _cannot_compile_on_cpu() -> str:
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None and shutil.which("clang++") is None:
        return "torch.compile needs a C++ compiler, and none (g++, clang++, $CXX) is on the PATH"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        return "torch.compile needs Python's headers (Debian: python3-dev)"
    return ""


def flex_reason(device: torch.device, dtype: torch.dtype, training: bool) -> str:
    """Why FlexAttention cannot run there; empty if it can. `training`: with gradients."""
    if dtype not in DTYPES:
        return f"FlexAttention takes float32, bfloat16 and float16, not {dtype}"
    if device.type == "cpu":
        if training:
            return "FlexAttention has no backward on CPU"
        return _cannot_compile_on_cpu()
    if device.type == "cuda" and find_spec("triton") is None:
        return "FlexAttention needs triton on CUDA, and it is not installed"
    return ""


@lru_cache(maxsize=2)
def compiled(device_type: str) -> Callable[..., Any]:
    """`flex_attention` through torch.compile."""
    # On CPU each shape is compiled by itself: with symbolic sizes, inductor's C++ template names
    # variables that it never declares. A sweep therefore compiles far more often than torch's
    # default limit of 8 allows for.
    dynamo: Any = torch._dynamo.config
    dynamo.recompile_limit = max(dynamo.recompile_limit, 256)
    return torch.compile(flex_attention, dynamic=device_type != "cpu", fullgraph=True)


def flex_masked(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    keys: Tensor | None,
    pairs: Tensor | None,
    scale: float,
) -> Tensor:
    """Attention of `(N, H, Tq, d)` on `(N, H, Tk, d)` where `keys` (bool, `(N, Tk)`) and `pairs`
    (bool, `(Tq, Tk)`) hold; zero for a query that sees nothing.

    The two stay apart so that neither grows with the other.
    """

    def score_mod(score: Tensor, b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        if keys is not None:
            score = torch.where(keys[b, kv], score, float("-inf"))
        if pairs is not None:
            score = torch.where(pairs[q, kv], score, float("-inf"))
        return score

    out: Tensor = compiled(query.device.type)(query, key, value, score_mod=score_mod, scale=scale)
    return out


@lru_cache(maxsize=32)
def band_mask(q_len: int, kv_len: int, left: int, right: int, device: torch.device) -> BlockMask:
    """Which key blocks a query block needs when query i sees keys i − left … i + right.

    Positions are aligned at the end of both sequences. Built from block numbers alone:
    `create_block_mask` would evaluate every (query, key) pair.
    """
    offset = kv_len - q_len
    q_blocks, kv_blocks = -(-q_len // BLOCK), -(-kv_len // BLOCK)
    first_q = torch.arange(q_blocks, device=device)[:, None] * BLOCK + offset
    last_q = (first_q + BLOCK - 1).clamp(max=kv_len - 1)
    first_k = torch.arange(kv_blocks, device=device)[None, :] * BLOCK
    last_k = first_k + BLOCK - 1
    touched = (last_k >= first_q - left) & (first_k <= last_q + right) & (first_k < kv_len)
    inside = (first_k >= last_q - left) & (last_k <= first_q + right) & (last_k < kv_len)
    inside &= first_q + BLOCK <= kv_len  # a ragged query block is never a full one

    def ordered(blocks: Tensor) -> tuple[Tensor, Tensor]:
        count = blocks.sum(1, dtype=torch.int32)
        index = blocks.to(torch.int8).argsort(dim=1, descending=True, stable=True)
        return count[None, None], index.to(torch.int32)[None, None]

    def mask_mod(b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        position = q + offset
        return (kv >= position - left) & (kv <= position + right)

    return BlockMask.from_kv_blocks(
        *ordered(touched & ~inside),
        *ordered(touched & inside),
        BLOCK_SIZE=BLOCK,
        mask_mod=mask_mod,
        seq_lengths=(q_len, kv_len),
    )


def flex_band(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    left: int,
    right: int,
    key_padding_mask: Tensor | None,
    scale: float,
) -> Tensor:
    """Attention in a band, `(N, H, T, d)` each, without masks that grow with T²."""
    block_mask = band_mask(query.shape[2], key.shape[2], left, right, query.device)
    score_mod = None
    if key_padding_mask is not None:
        padded = key_padding_mask

        def score_mod(score: Tensor, b: Tensor, head: Tensor, q: Tensor, kv: Tensor) -> Tensor:
            return torch.where(padded[b, kv], float("-inf"), score)

    out: Tensor = compiled(query.device.type)(
        query, key, value, score_mod=score_mod, block_mask=block_mask, scale=scale
    )
    return out
