"""HATrick as a variant; the layer itself is in the package `hatrick`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from hatrick.backends import BACKENDS, backend_reason, preferred
from hatrick.chunk_size.identity import code_identity
from hatrick.cost import Cost, hatrick_cost
from hatrick.module import HATrick
from hatrick.reference import reference
from variants import oracles
from variants.config import AttentionConfig, Target, VariantOptions, Workload
from variants.interface import Variant
from variants.registry import register


@register("hatrick")
class HATrickVariant(Variant):
    """HATrick as a sub-layer; its parameters are those of `hatrick.HATrick`, under `layer`."""

    summary = "local attention in chunks, attention among their CLS, tokens read all CLS"
    backends = BACKENDS

    def __init__(
        self,
        config: AttentionConfig,
        options: VariantOptions | None = None,
        *,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(config, options, backend=backend, device=device, dtype=dtype)
        self.layer = HATrick(
            config.dim,
            config.heads,
            config.chunk_size,
            config.causal,
            config.dropout,
            device,
            dtype,
            backend=backend,
        )

    @classmethod
    def code_identity(cls) -> str:
        """That of the layer alone: what was measured of this variant holds for a `HATrick`."""
        return code_identity()

    def remembered_chunk_size(self) -> None:
        """The layer within remembers it."""

    @classmethod
    def preferred(cls, target: Target) -> tuple[str, ...]:
        return preferred(target.device, target.tokens, training=target.training)

    @classmethod
    def backend_reason(cls, backend: str, target: Target) -> str:
        return backend_reason(
            backend,
            target.device,
            target.dtype,
            target.config.head_dim,
            training=target.training,
        )

    def forward(self, x: Tensor, *, key_padding_mask: Tensor | None = None) -> Tensor:
        y: Tensor = self.layer(x, key_padding_mask=key_padding_mask)
        return y

    @classmethod
    def forward_cost(cls, workload: Workload) -> Cost:
        return hatrick_cost(
            workload.config.dim,
            workload.config.chunk_size,
            workload.batch,
            workload.seq_len,
            causal=workload.config.causal,
            element_size=workload.element_size,
        )

    @classmethod
    def parameter_count(cls, config: AttentionConfig) -> int:
        # 13 times dim outputs of six projections, the CLS vector, weight and bias of three norms.
        return 13 * (config.dim**2 + config.dim) + 7 * config.dim

    @classmethod
    def least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        """`fused`: what enters the norm of step 1, and the output; in training also the query, key
        and value and the result of step 1's attention, the query of step 3, and what enters its
        norm. The others: the tokens' query, key and value, alone and joined with those of the CLS;
        in training, at the end of the forward: the joined ones; of steps 1 and 3 each, what goes
        into the out-projection, into the norm and what comes out; the query of step 3. `plain`:
        the scores as in full attention, with the weights of the steps before."""
        config, size, batch = workload.config, workload.element_size, workload.batch
        gradients = cls.parameter_count(config) * size
        if backend in ("auto", "fused"):
            one = workload.activation_bytes
            return max(8 * one, 2 * one + gradients) if training else 2 * one
        chunk = min(config.chunk_size, workload.seq_len)
        chunks = -(-workload.seq_len // chunk)
        tokens = batch * chunks * chunk * config.dim * size
        local = across = cross = 0
        if backend == "plain":
            one = batch * config.heads * size
            local, across = one * chunks * (chunk + 1) ** 2, one * chunks**2
            cross = one * chunks * chunk * chunks
        if not training:
            return max(6 * tokens, 3 * tokens + 2 * local, 2 * across, 2 * tokens + 2 * cross)
        return max(
            10 * tokens + local + across + cross,
            local + across + 3 * cross,
            local + 3 * across,
            3 * local,
            2 * workload.activation_bytes + gradients,
        )

    def visible(self, seq_len: int) -> Tensor:
        """Everything, through the CLS vectors; causal: everything up to the token itself."""
        rows = oracles.positions(seq_len, None, self.layer.cls_token.device)
        return oracles.full_counts(seq_len, self.config.causal, rows)

    def oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        y = reference(
            dict(self.layer.named_parameters()),
            x,
            key_padding_mask,
            heads=self.config.heads,
            chunk_size=self.config.chunk_size,
            causal=self.config.causal,
            dtype=dtype,
        )
        return y if rows is None else y[:, rows]

    def full_oracle(
        self,
        x: Tensor,
        key_padding_mask: Tensor | None = None,
        *,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor] | None:
        """Full attention through the token projection, the out-projection and the norm of step 1:
        what HATrick would compute if its one chunk held everything and there were no CLS."""
        layer, seq_len = self.layer, x.shape[1]
        x = oracles.without_padding(x, key_padding_mask).double()
        where = oracles.positions(seq_len, rows, x.device)
        weight, bias = layer.token_qkv.weight.double(), layer.token_qkv.bias.double()
        query, key, value = oracles.project(x, weight, bias, self.config.heads)
        counts = oracles.full_counts(seq_len, self.config.causal, where)
        padded = None
        if key_padding_mask is not None:
            counts = counts & ~key_padding_mask[:, None, None, :]
            padded = key_padding_mask[:, where]
        scale = self.config.head_dim**-0.5
        mixed = oracles.multiset_attention(query[:, :, where], key, value, counts, scale)
        norm = (layer.norm_local.weight.double(), layer.norm_local.bias.double())
        out_proj = (layer.out_proj.weight.double(), layer.out_proj.bias.double())
        y_full = oracles.sublayer(x[:, where], mixed, out_proj, norm, layer.norm_local.eps, padded)
        y_none = F.layer_norm(x[:, where], x.shape[-1:], *norm, layer.norm_local.eps)
        return y_full, oracles.without_padding(y_none, padded)
