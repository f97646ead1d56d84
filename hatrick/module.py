"""The HATrick layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hatrick.attend import attend
from hatrick.backends import BACKENDS, preferred, unfusable
from hatrick.blocks import Masks
from hatrick.chunk_size.remembered import RemembersChunkSize
from hatrick.flash import flash_reason
from hatrick.fused import Cross, Local
from hatrick.inputs import check_input, check_seq_len, check_sizes, zero_padding
from hatrick.linear import Linear
from hatrick.published import own_names


class HATrick(RemembersChunkSize):
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
        chunk_size: n, tokens in a chunk. `"auto"`: the best known one for sequences of `seq_len`
            tokens on this `device`, by `hatrick.choose_chunk_size`: from a profile that
            `hatrick tune` made there, else from a model. `chunk_size_source` says from what. It is
            fixed from then on: the function that the layer computes depends on it.
        causal: no output depends on a later input.
        dropout: probability with which an element of each step's attention output is zeroed in
            training. The published class takes this argument and never applies it.
        device, dtype: of the parameters.
        backend: `auto` or one of `BACKENDS`. `fused` is not for dropout in training, autocast,
            torch.func, torch.compile, nor for layers whose projections or norms were replaced or
            hooked: there `auto` takes `sdpa`, and in torch.compile `fused` does too. What it keeps
            for its backward is not seen by saved-tensor hooks, so checkpointing saves little.
        seq_len: T, for `chunk_size="auto"` and with nothing else. Any other length runs, too.

    Loading weights that were made with another chunk size warns; see `RemembersChunkSize`.

    Raises:
        ValueError: a size that is no integer of at least 1, `dim` not divisible by `heads`,
            `dropout` outside [0, 1), an unknown backend, "auto" without a `seq_len` or a `seq_len`
            without "auto".
    """

    chunk_size_source: str = "given"
    """Where the chunk size comes from: `given`, or in words what `"auto"` took it from."""

    def __init__(
        self,
        dim: int,
        heads: int,
        chunk_size: int | Literal["auto"],
        causal: bool = False,
        dropout: float = 0.0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        backend: str = "auto",
        seq_len: int | None = None,
    ) -> None:
        super().__init__()
        check_sizes(dim, heads, 1 if chunk_size == "auto" else chunk_size, dropout, causal)
        if backend not in ("auto", *BACKENDS):
            raise ValueError(f"no backend {backend!r}; choose from auto, {', '.join(BACKENDS)}")
        check_seq_len(chunk_size, seq_len)
        if chunk_size == "auto" and seq_len is not None:
            # Here: whoever writes the number needs none of it, pydantic least of all.
            from hatrick.chunk_size.for_hatrick import choose_chunk_size

            choice = choose_chunk_size(
                dim, heads, seq_len, causal=causal, backend=backend, device=device, dtype=dtype
            )
            chunk_size, self.chunk_size_source = choice.chunk_size, choice.source
        assert isinstance(chunk_size, int)
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

    def remembered_chunk_size(self) -> int:
        return self.chunk_size

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
        reason = flash_reason(x.device, x.dtype, self.dim // self.heads) or unfusable(self, x)
        if reason and self.backend == "fused":
            raise ValueError(f"backend 'fused' cannot run here: {reason}; use 'sdpa'")
        return not reason

    def _trains(self, x: Tensor) -> bool:
        """Whether a backward may follow this call."""
        wanted = x.requires_grad or any(p.requires_grad for p in self.parameters())
        return torch.is_grad_enabled() and wanted

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
        source = self.chunk_size_source
        return (
            f"dim={self.dim}, heads={self.heads}, chunk_size={self.chunk_size}, "
            f"causal={self.causal}, backend={self.backend!r}"
            + (f", chunk_size_source={source!r}" if source != "given" else "")
        )
