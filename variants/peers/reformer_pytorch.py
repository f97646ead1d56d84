"""LSH attention of the package reformer-pytorch (lucidrains)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from variants.config import AttentionConfig, VariantOptions
from variants.lsh_hashing import bucket_count
from variants.peers.peer import check_multiple
from variants.peers.published_lsh import PublishedLSH, offsets
from variants.registry import register


@register("reformer_pytorch")
class ReformerPytorch(PublishedLSH):
    """`reformer_pytorch.LSHAttention` with `bucket_size=chunk_size` and `n_hashes=rounds`.

    Its scores are scaled by 1/sqrt(head_dim) as ours, and all heads share the rotations. The
    sequence length is a multiple of `2 * chunk_size`.
    """

    summary = "reformer-pytorch's LSHAttention: the function of lsh, its own hashes"
    package = "reformer-pytorch"

    def __init__(
        self, config: AttentionConfig, options: VariantOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(config, options, **kwargs)
        from reformer_pytorch import LSHAttention

        self.attention = LSHAttention(
            bucket_size=config.chunk_size, n_hashes=self.options.rounds, causal=config.causal
        )

    def attend(self, qk: Tensor, value: Tensor, buckets: Tensor | None) -> Tensor:
        check_multiple(self.name, qk.shape[2], 2 * self.config.chunk_size)
        batch, heads = qk.shape[:2]
        rows, values = qk.flatten(0, 1), value.flatten(0, 1)  # it has no axis for heads
        if buckets is None:
            out = self.attention(rows, values)[0]
        else:
            given = (buckets + self._offsets(qk)).flatten(0, 1).flatten(1)
            # On the instance, where it hides the method of the class.
            self.attention.hash_vectors = lambda *_, **__: given
            try:
                out = self.attention(rows, values)[0]
            finally:
                del self.attention.hash_vectors
        # In training it keeps the buckets for reversible networks, which hash once and run twice.
        self.attention._cache = {}
        mixed: Tensor = out.unflatten(0, (batch, heads))
        return mixed

    def hash(self, qk: Tensor) -> Tensor:
        count = bucket_count(qk.shape[2], self.config.chunk_size)
        found: Tensor = self.attention.hash_vectors(count, qk.flatten(0, 1), set_cache=False)
        return found.view(*qk.shape[:2], self.options.rounds, -1) - self._offsets(qk)

    def _offsets(self, qk: Tensor) -> Tensor:
        count = bucket_count(qk.shape[2], self.config.chunk_size)
        return offsets(self.options.rounds, count, qk.device)
