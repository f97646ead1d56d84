"""What the published LSH attentions have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor

from variants.config import Workload
from variants.core import CoreVariant
from variants.lsh import LSH, LSHOptions
from variants.peers.peer import Peer, refuse_padding
from variants.peers.seeded import seeded


class PublishedOptions(LSHOptions):
    """The options of `lsh`; the first chunk looks back as all published implementations have it."""

    wrap: Literal["flat"] = "flat"


class PublishedLSH(Peer, LSH):  # type: ignore[misc]  # one backend, not its three
    """Somebody else's LSH attention, which draws its rotations anew at each call: here from the
    option `seed`, so that a call can be repeated and its oracle gets the same buckets.

    Both let a token that sees nothing see itself with a score of -5e4 or -1e5, where a float32 is
    0.004 or 0.008 from the next. Over several rounds the log-sum-exp of these is rounded so
    coarsely that such a token, the first of a causal sequence, gets 0.9996 or 0.9965 of its own
    value: in float32 a causal point with several rounds is a row that disagrees.
    """

    Options = PublishedOptions  # type: ignore[assignment]

    @abstractmethod
    def attend(self, qk: Tensor, value: Tensor, buckets: Tensor | None) -> Tensor:
        """The core; `buckets` as `hash` gives them, or None to hash."""

    @abstractmethod
    def hash(self, qk: Tensor) -> Tensor:
        """The buckets that `attend` would find: int64 `(batch, heads, rounds, seq_len)`."""

    def core(
        self,
        *tensors: Tensor,
        key_padding_mask: Tensor | None = None,
        buckets: Tensor | None = None,
    ) -> Tensor:
        refuse_padding(self.name, key_padding_mask)
        qk, value = tensors
        with seeded(qk.device, self.options.seed):
            return self.attend(qk, value, buckets)

    def buckets(self, qk: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The buckets of `qk` by its own hash; by that of `lsh` with a generator."""
        if generator is not None:
            return super().buckets(qk, generator)
        with seeded(qk.device, self.options.seed), torch.no_grad():
            return self.hash(qk)

    def forward(
        self,
        x: Tensor,
        *,
        key_padding_mask: Tensor | None = None,
        buckets: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        if buckets is None and generator is None:  # it hashes by itself, as its users have it
            return CoreVariant.forward(self, x, key_padding_mask=key_padding_mask)
        return super().forward(
            x, key_padding_mask=key_padding_mask, buckets=buckets, generator=generator
        )

    @classmethod
    def core_least_bytes(cls, workload: Workload, backend: str, *, training: bool) -> int:
        """What is known of any attention: not what our own rounds keep."""
        return super(LSH, cls).core_least_bytes(workload, backend, training=training)


def offsets(rounds: int, bucket_count: int, device: torch.device) -> Tensor:
    """What both add to the buckets of each round, so that one sort does for all: `(rounds, 1)`."""
    return torch.arange(rounds, device=device)[:, None] * bucket_count
