"""The ways in which HATrick can be computed: which there are, and where each can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from hatrick import attend as attention
from hatrick.flash import flash_reason
from hatrick.linear import Linear, transformed

if TYPE_CHECKING:
    from hatrick.module import HATrick

BACKENDS = ("fused", *attention.BACKENDS)
"""`fused` computes steps 1 and 3 block by block, each with a backward of its own; the others are
those of `hatrick.attend`, one operator at a time."""


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where a module keeps its hooks."""
FUSED_TOKENS = 16384
"""Tokens from which on `auto` trains on a CPU with `fused`."""


def preferred(device: torch.device, tokens: int, *, training: bool) -> tuple[str, ...]:
    """The backends in the order in which `auto` tries them there, for calls of so many tokens.

    By measurement on a CPU (docs/peers.md): `sdpa` is the fastest. In training, where everything is
    kept for the backward, `fused` takes less memory, for long inputs much less, at little or no
    loss of time. On CUDA `fused` comes last until it is measured.
    """
    if device.type == "cpu" and training and tokens >= FUSED_TOKENS:
        return BACKENDS
    return (*BACKENDS[1:], "fused")


def backend_reason(
    backend: str, device: torch.device, dtype: torch.dtype, head_dim: int, *, training: bool
) -> str:
    """Why `backend` cannot run there; empty if it can. `training`: with gradients."""
    if backend == "fused":
        return flash_reason(device, dtype, head_dim)
    return attention.backend_reason(backend, device, dtype, head_dim, training=training)


def unfusable(layer: HATrick, x: Tensor) -> str:
    """What of a layer's state the fused path has no place for."""
    if layer.training and layer.dropout.p > 0:
        return "it has no dropout"
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
        return "it does not run under autocast"
    if transformed():
        return "it does not run under torch.func or forward-mode differentiation"
    if x.shape[0] == 0:
        return "the batch is empty"
    if _has_any_global_hook():
        return "there are hooks on all modules"
    # It uses their parameters and does not call them.
    for name, module in layer.named_children():
        expected = {"norm": nn.LayerNorm, "drop": nn.Dropout}.get(name[:4], Linear)
        if type(module) is not expected or "forward" in vars(module):
            return f"{name} was replaced by a {type(module).__name__}"
        if any(vars(module)[hooks] for hooks in HOOKS):
            return f"{name} has hooks"
        if any(parameter is None for parameter in module._parameters.values()):
            return f"{name} lacks a weight or a bias"
    return ""
