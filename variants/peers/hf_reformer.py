"""LSH attention of transformers: Reformer's."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from variants.config import AttentionConfig, VariantOptions
from variants.lsh_hashing import bucket_count
from variants.peers.handed_over import HandedOver, shape_only
from variants.peers.peer import check_multiple
from variants.peers.published_lsh import PublishedLSH, offsets
from variants.registry import register


@register("hf_reformer")
class HFReformer(PublishedLSH):
    """`transformers`' `LSHSelfAttention` with `lsh_attn_chunk_length=chunk_size`,
    `num_hashes=rounds` and one bucket a chunk.

    Its own forward runs whole; query_key and value are handed to it where it would project. Each
    head has rotations of its own. It lacks the factor 1/sqrt(head_dim) of the scores, so its keys
    are divided by that besides. It adds 1e-6 to the mean square of a key before it takes the root,
    which moves a score of a key of unit variance by 5e-7 of it. The sequence length is a multiple
    of `chunk_size`.
    """

    summary = "transformers' LSHSelfAttention (Reformer): the function of lsh, its own hashes"
    package = "transformers"

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        from transformers.models.reformer.configuration_reformer import ReformerConfig

        described = ReformerConfig(
            hidden_size=config.dim,
            num_attention_heads=config.heads,
            attention_head_size=config.head_dim,
            lsh_attn_chunk_length=config.chunk_size,
            lsh_num_chunks_before=1,
            lsh_num_chunks_after=0,
            lsh_attention_probs_dropout_prob=0.0,
            num_hashes=self.options.rounds,
            hash_seed=None,
            is_decoder=config.causal,
        )
        with torch.random.fork_rng(devices=[]):  # it draws projections, which are not used
            self.attention = _scaled_class()(described)
        self.attention.query_key, self.attention.value = HandedOver(), HandedOver()
        self.attention.to(self.in_proj.weight.device)

    def attend(self, qk: Tensor, value: Tensor, buckets: Tensor | None) -> Tensor:
        batch, heads, seq_len, head_dim = qk.shape
        check_multiple(self.name, seq_len, self.config.chunk_size)
        self.attention.num_buckets = self._bucket_count(qk)
        if buckets is not None:
            buckets = buckets + offsets(self.options.rounds, self._bucket_count(qk), qk.device)
        with (
            self.attention.query_key.holding(_heads_last(qk)),
            self.attention.value.holding(_heads_last(value)),
        ):
            out = self.attention(
                shape_only(qk, batch, seq_len, heads * head_dim), buckets=buckets
            ).hidden_states
        mixed: Tensor = out.view(batch, seq_len, heads, head_dim).transpose(1, 2)
        return mixed

    def hash(self, qk: Tensor) -> Tensor:
        count, rounds = self._bucket_count(qk), self.options.rounds
        self.attention.num_buckets = count
        found: Tensor = self.attention._hash_vectors(qk, rounds, attention_mask=None)
        return found.view(*qk.shape[:2], rounds, -1) - offsets(rounds, count, qk.device)

    def _bucket_count(self, qk: Tensor) -> int:
        return bucket_count(qk.shape[2], self.config.chunk_size)


def _heads_last(tensor: Tensor) -> Tensor:
    """`(batch, heads, seq_len, d)` as its projections give it, `(batch, seq_len, heads · d)`."""
    return tensor.transpose(1, 2).flatten(2)


@cache
def _scaled_class() -> Any:
    """Its class, with the factor 1/sqrt(head_dim) in the scores."""
    from transformers.models.reformer.modeling_reformer import LSHSelfAttention

    class ScaledLSHSelfAttention(LSHSelfAttention):  # type: ignore[misc]
        # A smaller query_key would scale the scores too, its key being normalised, but the 1e-6
        # that the norm adds would then weigh head_dim times as much.
        def _len_and_dim_norm(self, vectors: Tensor, sqrt_num: float) -> Tensor:
            normed: Tensor = super()._len_and_dim_norm(vectors, sqrt_num**2)
            return normed

    return ScaledLSHSelfAttention
