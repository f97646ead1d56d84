"""The HATrick layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.module import _has_any_global_hook

from hatrick import attend as attention
from hatrick.attend import attend
from hatrick.blocks import Masks
from hatrick.flash import flash_reason
from hatrick.fused import Cross, Local
from hatrick.inputs import check_input, check_sizes, zero_padding
from hatrick.linear import Linear, transformed
from hatrick.published import own_names

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


class HATrick(nn.Module):
    """Hierarchical attention: chunks, a CLS vector each, attention among those, and back.

    1. Local: in each chunk of n tokens, the tokens and the chunk's CLS attend to each other.
    2. Global: the CLS vectors of all chunks attend to each other.
    3. Cross: every token attends to all CLS vectors.

    Each step ends with the one out-projection, dropout, residual and a norm of its own. Cost:
    O(T·n + (T/n)² + T²/n). Causal: local and global attention are causal, a CLS summarises its
    whole chunk, and a token attends to the CLS of earlier chunks only.

    Args:
        dim: width of the model, a multiple of `heads`.
        heads: number of heads.
        chunk_size: n, tokens in a chunk.
        causal: no output depends on a later input.
        dropout: probability with which an element of each step's attention output is zeroed in
            training. The published class takes this argument and never applies it.
        device, dtype: of the parameters.
        backend: `auto` or one of `BACKENDS`. `fused` is not for dropout in training, autocast,
            torch.func, torch.compile, nor for layers whose projections or norms were replaced or
            hooked: there `auto` takes `sdpa`, and in torch.compile `fused` does too. What it keeps
            for its backward is not seen by saved-tensor hooks, so checkpointing saves little.

    Raises:
        ValueError: a size that is no integer of at least 1, `dim` not divisible by `heads`,
            `dropout` outside [0, 1), an unknown backend.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        chunk_size: int,
        causal: bool = False,
        dropout: float = 0.0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        backend: str = "auto",
    ) -> None:
        super().__init__()
        check_sizes(dim, heads, chunk_size, dropout, causal)
        if backend not in ("auto", *BACKENDS):
            raise ValueError(f"no backend {backend!r}; choose from auto, {', '.join(BACKENDS)}")
        self.dim, self.heads, self.chunk_size = dim, heads, chunk_size
        self.causal, self.backend = causal, backend
        self._attend_by = "auto" if backend == "fused" else backend

        # `plain` is what others are measured against: as the published class computes it.
        projection = nn.Linear if backend == "plain" else Linear

        def linear(outputs: int) -> nn.Linear:
            return projection(dim, outputs, device=device, dtype=dtype)

        self.cls_token = nn.Parameter(torch.empty(1, 1, dim, device=device, dtype=dtype))
        nn.init.normal_(self.cls_token)  # as published
        self.token_qkv = linear(3 * dim)
        self.cls_qkv = linear(3 * dim)
        self.global_qkv = linear(3 * dim)
        self.cross_q = linear(dim)
        self.cross_kv = linear(2 * dim)
        self.out_proj = linear(dim)
        self.norm_local = nn.LayerNorm(dim, device=device, dtype=dtype)
        self.norm_global = nn.LayerNorm(dim, device=device, dtype=dtype)
        self.norm_cross = nn.LayerNorm(dim, device=device, dtype=dtype)
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def from_published(
        cls,
        state_dict: Mapping[str, Tensor],
        *,
        heads: int,
        chunk_size: int,
        causal: bool = False,
        backend: str = "auto",
    ) -> Self:
        """A layer with the weights of the author's class, on their device and in their dtype.

        Raises:
            ValueError: a parameter is missing, unknown, of another shape, or not floating-point.
        """
        renamed = own_names(state_dict)
        token = renamed["cls_token"]
        layer = cls(
            token.shape[-1],
            heads,
            chunk_size,
            causal,
            device=token.device,
            dtype=token.dtype,
            backend=backend,
        )
        own = layer.state_dict()
        if missing := own.keys() - renamed.keys():
            raise ValueError(f"the published state_dict lacks {', '.join(sorted(missing))}")
        for name, tensor in renamed.items():
            if name not in own or own[name].shape != tensor.shape:
                expected = tuple(own[name].shape) if name in own else "no such parameter"
                raise ValueError(f"{name}: expected {expected}, got {tuple(tensor.shape)}")
        layer.load_state_dict(renamed)
        return layer

    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        """Apply the layer.

        Args:
            x: `(batch, seq_len, dim)`, any seq_len ≥ 1.
            key_padding_mask: bool `(batch, seq_len)`, True = padding. A padded token is no key
                anywhere, and a chunk without one valid token gives no CLS.

        Returns:
            `(batch, seq_len, dim)`, zero at padded positions.

        Raises:
            ValueError: a shape or dtype other than the above.
        """
        check_input(x, self.dim, key_padding_mask, self.cls_token.dtype)
        x = zero_padding(x, key_padding_mask)
        if self._is_fused(x):
            y = self._fused(x, None if key_padding_mask is None else ~key_padding_mask)
        else:
            y = self._stepwise(x, key_padding_mask)
        return zero_padding(y, key_padding_mask)

    def _is_fused(self, x: Tensor) -> bool:
        """Whether this call takes the fused path.

        Raises:
            ValueError: it was asked for by name and cannot.
        """
        tokens = x.shape[0] * x.shape[1]
        asked = self.backend
        if asked == "auto":
            asked = preferred(x.device, tokens, training=self._trains(x))[0]
        if asked != "fused" or torch.compiler.is_compiling():
            return False
        reason = flash_reason(x.device, x.dtype, self.dim // self.heads) or self._unfusable(x)
        if reason and self.backend == "fused":
            raise ValueError(f"backend 'fused' cannot run here: {reason}; use 'sdpa'")
        return not reason

    def _trains(self, x: Tensor) -> bool:
        """Whether a backward may follow this call."""
        wanted = x.requires_grad or any(p.requires_grad for p in self.parameters())
        return torch.is_grad_enabled() and wanted

    def _unfusable(self, x: Tensor) -> str:
        """What of this layer's state the fused path has no place for."""
        if self.training and self.dropout.p > 0:
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
        for name, module in self.named_children():
            expected = {"norm": nn.LayerNorm, "drop": nn.Dropout}.get(name[:4], Linear)
            if type(module) is not expected or "forward" in vars(module):
                return f"{name} was replaced by a {type(module).__name__}"
            if any(vars(module)[hooks] for hooks in HOOKS):
                return f"{name} has hooks"
            if any(parameter is None for parameter in module._parameters.values()):
                return f"{name} lacks a weight or a bias"
        return ""

    def _fused(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """The three steps, 1 and 3 of them block by block."""
        T, n = x.shape[1], min(self.chunk_size, x.shape[1])
        has_cls = None
        if valid is not None:
            has_cls = F.pad(valid, (0, -T % n)).unflatten(1, (-1, n)).any(-1)
        masks = Masks(self.causal, valid, has_cls)
        training = self._trains(x)
        out = (self.out_proj.weight, self.out_proj.bias)
        first, last = self.norm_local, self.norm_cross
        cls = self.cls_token.view(-1)
        cls, *mixed = Local.apply(  # type: ignore[no-untyped-call]
            *(masks, self.heads, n, training, x.contiguous(), cls, self.cls_qkv(cls)),
            *(self.token_qkv.weight, self.token_qkv.bias, *out),
        )
        kv = self.cross_kv(self._global(self.norm_local(cls), has_cls))
        y: Tensor = Cross.apply(  # type: ignore[no-untyped-call]
            *(masks, self.heads, n, T, training, (first.eps, last.eps), kv),
            *(self.cross_q.weight, self.cross_q.bias, *out),
            *(first.weight, first.bias, last.weight, last.bias, *mixed),
        )
        return y

    def _stepwise(self, x: Tensor, key_padding_mask: Tensor | None) -> Tensor:
        """The three steps, one operator at a time."""
        B, T, D = x.shape
        n = min(self.chunk_size, T)
        C = -(-T // n)
        tail = C * n - T
        valid = None  # (B, C, n)
        if key_padding_mask is not None:
            valid = F.pad(~key_padding_mask, (0, tail), value=False).view(B, C, n)
        elif tail:
            valid = (torch.arange(C * n, device=x.device) < T).view(1, C, n).expand(B, C, n)
        tokens = F.pad(x, (0, 0, 0, tail)).view(B, C, n, D) if tail else x.view(B, C, n, D)

        tokens, cls = self._local(tokens, valid)
        has_cls = None if key_padding_mask is None or valid is None else valid.any(-1)
        cls = self._global(cls, has_cls)
        tokens = self._cross(tokens, cls, has_cls)
        return tokens.view(B, C * n, D)[:, :T]

    def _local(self, tokens: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """Step 1: `(B, C, n, D)` tokens to the same, and to a CLS vector a chunk `(B, C, D)`."""
        B, C, n, D = tokens.shape
        cls_qkv = self.cls_qkv(self.cls_token).expand(B, C, 1, 3 * D)
        qkv = torch.cat([cls_qkv, self.token_qkv(tokens)], dim=2)
        q, k, v = (
            qkv.view(B * C, n + 1, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4).unbind()
        )
        keys = None if valid is None else F.pad(valid, (1, 0), value=True).view(B * C, n + 1)
        pairs = None
        if self.causal:
            pairs = torch.ones(n + 1, n + 1, dtype=torch.bool, device=tokens.device).tril()
            pairs[0] = True  # the CLS summarises its whole chunk
        mixed = attend(q, k, v, keys=keys, pairs=pairs, backend=self._attend_by)
        mixed = self.dropout(self.out_proj(mixed.transpose(1, 2).reshape(B, C, n + 1, D)))
        cls = self.norm_local(self.cls_token + mixed[:, :, 0])
        return self.norm_local(tokens + mixed[:, :, 1:]), cls

    def _global(self, cls: Tensor, has_cls: Tensor | None) -> Tensor:
        """Step 2: the CLS vectors `(B, C, D)` attend to each other."""
        B, C, D = cls.shape
        qkv = self.global_qkv(cls).view(B, C, 3, self.heads, D // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()
        pairs = None
        if self.causal:
            pairs = torch.ones(C, C, dtype=torch.bool, device=cls.device).tril()
        mixed = attend(q, k, v, keys=has_cls, pairs=pairs, backend=self._attend_by)
        mixed = self.out_proj(mixed.transpose(1, 2).reshape(B, C, D))
        out: Tensor = self.norm_global(cls + self.dropout(mixed))
        return out

    def _cross(self, tokens: Tensor, cls: Tensor, has_cls: Tensor | None) -> Tensor:
        """Step 3: the tokens `(B, C, n, D)` read the CLS vectors `(B, C, D)`."""
        B, C, n, D = tokens.shape
        q = self.cross_q(tokens).view(B, C * n, self.heads, D // self.heads).transpose(1, 2)
        kv = self.cross_kv(cls).view(B, C, 2, self.heads, D // self.heads)
        k, v = kv.permute(2, 0, 3, 1, 4).unbind()
        pairs = None
        if self.causal:
            chunk = torch.arange(C, device=tokens.device)
            pairs = chunk.repeat_interleave(n)[:, None] > chunk
        mixed = attend(q, k, v, keys=has_cls, pairs=pairs, backend=self._attend_by)
        mixed = self.out_proj(mixed.transpose(1, 2).reshape(B, C, n, D))
        out: Tensor = self.norm_cross(tokens + self.dropout(mixed))
        return out

    def extra_repr(self) -> str:
        """Shown by `repr(layer)`."""
        return (
            f"dim={self.dim}, heads={self.heads}, chunk_size={self.chunk_size}, "
            f"causal={self.causal}, backend={self.backend!r}"
        )
