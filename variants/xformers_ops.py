"""xformers' memory-efficient attention: asked for quietly, used where it has an operator."""

from __future__ import annotations

import logging
import warnings
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from variants.config import Target

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@lru_cache(maxsize=1)
def _ops() -> ModuleType:
    # At import xformers logs that its compiled extension does not fit this torch. That is a
    # reason for `support`, where it matters, and noise everywhere else.
    logger = logging.getLogger("xformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("xformers.ops")
    finally:
        logger.setLevel(level)


def _bias(left: int | None, right: int | None) -> Any:
    """xformers' name for a window; None leaves a side open."""
    attn_bias = _ops().fmha.attn_bias
    if left is None and right is None:
        return None
    if left is None and right == 0:
        return attn_bias.LowerTriangularMask()
    return attn_bias.LocalAttentionFromBottomRightMask(window_left=left, window_right=right)


class _Probe(Tensor):
    """A tensor without storage that says it is on a device.

    torch's own fake tensors allocate on the device that they stand for, once, when first made.
    """

    said: torch.device

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.said


def _probe(target: Target) -> Tensor:
    shape = (1, 16, 1, target.config.head_dim)
    probe = torch.empty(shape, device="meta", dtype=target.dtype).as_subclass(_Probe)
    probe.said = target.device
    return probe.requires_grad_(target.training)


def xformers_reason(target: Target, *, left: int | None = None, right: int | None = None) -> str:
    """Why xformers cannot run there; empty if it can.

    Asks xformers itself, about a small tensor of the head width in question, so that the answer is
    that of the operators that are installed and not of a table kept here. Nothing is made on the
    device: whoever only asks holds no CUDA context afterwards.
    """
    if reason := _device_reason(target.device):
        return reason
    if target.dtype not in DTYPES:
        return f"xformers takes float32, bfloat16 and float16, not {target.dtype}"
    if find_spec("xformers") is None:
        return "xformers is not installed (it is built for Linux on x86-64 only)"
    try:
        fmha = _ops().fmha
        probe = _probe(target)
        inputs = fmha.Inputs(query=probe, key=probe, value=probe, attn_bias=_bias(left, right))
        fmha.dispatch._dispatch_fw(inputs, target.training)
        if target.training:  # an operator that knows a mask forward need not know it backward
            fmha.dispatch._dispatch_bw(inputs, None)
    except NotImplementedError as error:
        # What it was asked for comes first, at length; then, operator by operator, why not.
        _, found, why = " ".join(str(error).split()).partition("is not supported because: ")
        return f"xformers has no operator for this: {why if found else error}"
    except (ImportError, AttributeError, RuntimeError) as error:
        return f"xformers does not work with this torch: {error}"
    return ""


def _device_reason(device: torch.device) -> str:
    if device.type != "cuda":
        return f"xformers has no operator for {device.type}"
    return "" if torch.cuda.is_available() else "there is no CUDA device here"


def xformers_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    left: int | None,
    right: int | None,
    scale: float,
) -> Tensor:
    """Attention in a window; None leaves a side open. `(batch, heads, seq_len, head_dim)` each.

    xformers' windows are this project's: `(window_left, window_right)`, both ends included,
    aligned bottom-right.

    Raises:
        ValueError: the tensors are not on a CUDA device.
    """
    if reason := _device_reason(query.device):
        raise ValueError(f"backend 'xformers' cannot run here: {reason}")
    q, k, v = (t.transpose(1, 2) for t in (query, key, value))
    bias = _bias(left, right)
    out: Tensor = _ops().memory_efficient_attention(q, k, v, attn_bias=bias, scale=scale)
    return out.transpose(1, 2)
