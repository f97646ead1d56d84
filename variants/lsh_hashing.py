"""The hash of LSH attention: vectors that point alike fall into one bucket.

Andoni et al., Practical and Optimal LSH for Angular Distance, NIPS 2015; as used by Reformer.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

BLOCK_ELEMENTS = 1 << 24
"""Products of tokens and buckets that are made at a time; on CPU, whose caches hold fewer, a
sixteenth of that."""
KEPT = 64
"""Lengths, devices and dtypes whose rotations a layer keeps; for more it draws at each call."""


def hash_buckets(
    qk: Tensor,
    *,
    chunk_size: int,
    rounds: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Angular LSH: the argmax over [xR; −xR] with R ~ N(0, 1), another R each round.

    There are ceil(seq_len / chunk_size) buckets, rounded up to an even number. All sequences and
    heads share R.

    Args:
        qk: `(batch, heads, seq_len, head_dim)`; gets no gradient from here.
        generator: draws R, on its own device; None: a generator with seed 0, so that the same
            input always falls into the same buckets. The global random state is never touched.

    Returns:
        int64 `(batch, heads, rounds, seq_len)`.
    """
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    half = bucket_count(qk.shape[2], chunk_size) // 2
    return bucket_by(qk, draw_rotations(rounds, qk.shape[3], half, generator).to(qk))


def bucket_by(qk: Tensor, rotations: Tensor) -> Tensor:
    """The argmax over [xR; −xR], for each R of `rotations`, as `draw_rotations` gives them.

    Args:
        qk: `(batch, heads, seq_len, head_dim)`; gets no gradient from here.
        rotations: on its device and in its dtype.

    Returns:
        int64 `(batch, heads, rounds, seq_len)`.
    """
    half = rotations.shape[2]
    # A product for every token and bucket would be the largest tensor of the whole attention.
    elements = BLOCK_ELEMENTS // 16 if qk.is_cpu else BLOCK_ELEMENTS
    block = max(1, elements // max(1, qk.shape[0] * qk.shape[1] * half))
    with torch.no_grad():
        per_round = [
            torch.cat([_argmax(part @ rotation, half) for part in qk.split(block, dim=2)], dim=2)
            for rotation in rotations
        ]
        return torch.stack(per_round, dim=2)


def draw_rotations(rounds: int, head_dim: int, half: int, generator: torch.Generator) -> Tensor:
    """R ~ N(0, 1) of each round: `(rounds, head_dim, half)` for 2 · half buckets.

    In float32 and on the generator's device, so that every dtype and device that is given the same
    generator hashes with the same R.
    """
    return torch.randn(rounds, head_dim, half, generator=generator, device=generator.device)


class Rotations:
    """The rotations of one seed, drawn at the first call that needs them and kept.

    Drawn at every call they would be copied from the host at every call, and the host would wait
    for that copy: the call's launch could not be hidden, nor could a CUDA graph capture it.
    """

    def __init__(self, seed: int, rounds: int) -> None:
        self._seed, self._rounds = seed, rounds
        self._kept: dict[tuple[int, int, torch.device, torch.dtype], Tensor] = {}

    def __reduce__(self) -> tuple[type[Self], tuple[int, int]]:
        # A copy, or what is loaded on another machine, draws its own on its own device.
        return type(self), (self._seed, self._rounds)

    def buckets(self, qk: Tensor, chunk_size: int) -> Tensor:
        """`hash_buckets` with a CPU generator of this seed."""
        half = bucket_count(qk.shape[2], chunk_size) // 2
        shape = (self._rounds, qk.shape[3], half)
        return bucket_by(qk, self._get(self._seed, *shape, qk.device, qk.dtype))

    def _get(
        self,
        seed: int,
        rounds: int,
        head_dim: int,
        half: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> Tensor:
        key = (head_dim, half, device, dtype)
        if key in self._kept:
            return self._kept[key]
        # They outlive the call: what is made in inference mode could not be used in every other.
        with torch.inference_mode(False):
            generator = torch.Generator().manual_seed(seed)
            drawn = draw_rotations(rounds, head_dim, half, generator).to(device, dtype)
        # None is ever let go of to make room: a captured CUDA graph may read it. And a tracer's
        # fake tensor must not outlive the trace.
        if len(self._kept) < KEPT and type(drawn) is Tensor:
            self._kept[key] = drawn
        return drawn

    # To torch.compile they are a constant, for it can trace no generator. It compiles again when an
    # argument changes, so everything that R depends on is one, the seed too. This is what
    # `torch.compiler.assume_constant_result` does; but that imports the compiler, which takes
    # longer than everything else at the start of a process that never compiles.
    _get._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _argmax(rotated: Tensor, half: int) -> Tensor:
    """The argmax over [rotated; −rotated], `(…, half)`, without building it."""
    if rotated.is_cpu:
        return _argmax_by_value(rotated, half)
    high, at_high = rotated.max(dim=-1)
    low, at_low = rotated.min(dim=-1)
    return torch.where(high >= -low, at_high, at_low + half)


def _argmax_by_value(rotated: Tensor, half: int) -> Tensor:
    """`_argmax`, which overwrites `rotated`: find the value, then where it is.

    On CPU a maximum without its index is vectorised, and five such passes take a fifth of the
    time of the two with an index.
    """
    if rotated.dtype in (torch.bfloat16, torch.float16):  # in which not every index is a number
        rotated = rotated.float()
    high, low = rotated.amax(dim=-1, keepdim=True), rotated.amin(dim=-1, keepdim=True)
    positive = high >= -low
    # Counted from the end, so that the largest is the first of several equal ones.
    from_end = torch.arange(half, 0, -1, dtype=rotated.dtype)
    found = rotated.eq_(torch.where(positive, high, low)).mul_(from_end).amax(dim=-1)
    # NaN equals nothing, and is to fall into a bucket that exists.
    index = (half - found).long().clamp_(max=half - 1)
    return torch.where(positive[..., 0], index, index + half)


def bucket_count(seq_len: int, chunk_size: int) -> int:
    """Buckets a round: one a chunk, and an even number of them."""
    chunks = -(-seq_len // chunk_size)
    return chunks + chunks % 2
