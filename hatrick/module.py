"""The HATrick layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hatrick.attend import BACKENDS, attend
from hatrick.inputs import check_input, check_sizes, zero_padding

PUBLISHED_NAMES = {
    "qkv_word": "token_qkv",
    "qkv_cls": "cls_qkv",
    "qkv_global_cls": "global_qkv",
    "q_word": "cross_q",
    "kv_cls": "cross_kv",
    "out": "out_proj",
    "norm1": "norm_local",
    "norm2": "norm_global",
    "norm3": "norm_cross",
    "cls_token": "cls_token",
}
"""The parameters of the author's class, and what they are called here."""


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
        backend: `auto`, `sdpa`, `plain` or `flex`; see `hatrick.attend`.

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

        def linear(outputs: int) -> nn.Linear:
            return nn.Linear(dim, outputs, device=device, dtype=dtype)

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
        renamed = {}
        for name, tensor in state_dict.items():
            stem, _, leaf = name.partition(".")
            if stem not in PUBLISHED_NAMES:
                known = ", ".join(PUBLISHED_NAMES)
                raise ValueError(f"{name!r} is not a parameter of the published class ({known})")
            if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
                kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
                raise ValueError(f"{name!r} must be a floating-point tensor, got {kind}")
            renamed[PUBLISHED_NAMES[stem] + (f".{leaf}" if leaf else "")] = tensor
        if "cls_token" not in renamed:
            raise ValueError("the published state_dict lacks 'cls_token'")
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
        return zero_padding(tokens.view(B, C * n, D)[:, :T], key_padding_mask)

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
        mixed = attend(q, k, v, keys=keys, pairs=pairs, backend=self.backend)
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
        mixed = attend(q, k, v, keys=has_cls, pairs=pairs, backend=self.backend)
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
        mixed = attend(q, k, v, keys=has_cls, pairs=pairs, backend=self.backend)
        mixed = self.out_proj(mixed.transpose(1, 2).reshape(B, C, n, D))
        out: Tensor = self.norm_cross(tokens + self.dropout(mixed))
        return out

    def extra_repr(self) -> str:
        """Shown by `repr(layer)`."""
        return (
            f"dim={self.dim}, heads={self.heads}, chunk_size={self.chunk_size}, "
            f"causal={self.causal}, backend={self.backend!r}"
        )
