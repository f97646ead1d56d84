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
from time import perf_counter
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


def compile_reason(device: torch.device) -> str:
    """Why torch.compile cannot make code for it; empty if it can."""
    if device.type == "cpu":
        return _cannot_compile_on_cpu()
    if device.type == "cuda" and find_spec("triton") is None:
        return "torch.compile needs triton on CUDA, and it is not installed"
    return ""


def flex_reason(device: torch.device, dtype: torch.dtype, head_dim: int, *, training: bool) -> str:
    """Why FlexAttention cannot run there; empty if it can. `training`: with gradients."""
    if dtype not in DTYPES:
        return f"FlexAttention takes float32, bfloat16 and float16, not {dtype}"
    if device.type == "cpu":
        return "FlexAttention has no backward on CPU" if training else compile_reason(device)
    if head_dim < 16:
        return f"FlexAttention takes a head_dim of at least 16 on {device.type}, not {head_dim}"
    return compile_reason(device)


def check_flex(query: Tensor, key: Tensor, value: Tensor) -> None:
    """Raise ValueError, with the reason, if FlexAttention cannot run on these tensors."""
    if torch.compiler.is_compiling():
        return  # within somebody's torch.compile there is no asking the system about compilers
    training = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
    reason = flex_reason(query.device, query.dtype, query.shape[-1], training=training)
    if reason:
        raise ValueError(f"backend 'flex' cannot run here: {reason}")


def flex_kernel(device: torch.device) -> Callable[..., Any]:
    """`flex_attention`, compiled; within a torch.compile it is compiled with the rest."""
    if torch.compiler.is_compiling():
        uncompiled: Callable[..., Any] = flex_attention
        return uncompiled
    return _compiled(device.type)


@lru_cache(maxsize=2)
def _compiled(device_type: str) -> Callable[..., Any]:
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

    check_flex(query, key, value)
    kernel = flex_kernel(query.device)
    out: Tensor = kernel(query, key, value, score_mod=score_mod, scale=scale)
    return out


def band_mask(seq_len: int, left: int, right: int, device: torch.device) -> BlockMask:
    """Which key blocks a query block needs when query i sees keys i − left … i + right.

    Built from block numbers alone: `create_block_mask` would evaluate every (query, key) pair.
    """
    blocks = -(-seq_len // BLOCK)
    first = torch.arange(blocks, device=device) * BLOCK
    last = (first + BLOCK - 1).clamp(max=seq_len - 1)
    first_q, last_q = first[:, None], last[:, None]
    touched = (last >= first_q - left) & (first <= last_q + right)
    inside = (first >= last_q - left) & (last <= first_q + right)
    whole = last - first == BLOCK - 1
    inside &= whole & whole[:, None]  # a ragged block is never a full one

    def mask_mod(b: Tensor, h: Tensor, q: Tensor, kv: Tensor) -> Tensor:
        return (kv >= q - left) & (kv <= q + right)

    return block_mask(touched, inside, mask_mod, seq_len)


def block_mask(
    touched: Tensor,
    inside: Tensor,
    mask_mod: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    seq_len: int,
) -> BlockMask:
    """The `BlockMask` of `touched`, the blocks in which some pairs are visible, and `inside`, those
    in which all are: bool `(blocks, blocks)`, a query block each row, of `BLOCK` positions."""

    def ordered(chosen: Tensor) -> tuple[Tensor, Tensor]:
        count = chosen.sum(1, dtype=torch.int32)
        index = chosen.to(torch.int8).argsort(dim=1, descending=True, stable=True)
        return count[None, None], index.to(torch.int32)[None, None]

    return BlockMask.from_kv_blocks(
        *ordered(touched & ~inside),
        *ordered(inside),
        BLOCK_SIZE=BLOCK,
        mask_mod=mask_mod,
        seq_lengths=(seq_len, seq_len),
    )


@lru_cache(maxsize=32)
def _kept_band_mask(seq_len: int, left: int, right: int, device: torch.device) -> BlockMask:
    return mask_to_keep(lambda: band_mask(seq_len, left, right, device), device)


def mask_to_keep(make: Callable[[], BlockMask], device: torch.device) -> BlockMask:
    """What `make` returns, fit to outlive the call, and its seconds counted."""
    global _mask_seconds
    start = perf_counter()
    # What is made in inference mode could not be used in a backward later.
    with torch.inference_mode(False):
        mask = make()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    _mask_seconds += perf_counter() - start
    return mask


_mask_seconds = 0.0


def mask_seconds() -> float:
    """Seconds this process has spent on building masks that are kept for later calls."""
    return _mask_seconds


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
    check_flex(query, key, value)
    make = band_mask if torch.compiler.is_compiling() else _kept_band_mask
    block_mask = make(query.shape[2], left, right, query.device)
    score_mod = None
    if key_padding_mask is not None:
        padded = key_padding_mask

        def score_mod(score: Tensor, b: Tensor, head: Tensor, q: Tensor, kv: Tensor) -> Tensor:
            return torch.where(padded[b, kv], float("-inf"), score)

    out: Tensor = flex_kernel(query.device)(
        query, key, value, score_mod=score_mod, block_mask=block_mask, scale=scale
    )
    return out
