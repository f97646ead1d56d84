"""What a call costs, counted from its shapes without running anything.

Conventions, the same for every variant: a multiply-add is 2 FLOPs; softmax, norms, biases and
sorting are left out; only (query, key) pairs that are visible count, and no padding; backward
counts each product twice (the gradients to its two operands), and recomputation is not counted,
so forward+backward is three times forward. Bytes: every stage (projection, attention, norm) reads
its inputs and its weights once and writes its output once, nothing in between touches memory.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """FLOPs and bytes of one call.

    Args:
        flops: floating-point operations.
        bytes: bytes to and from memory.
    """

    flops: int
    bytes: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.flops * times, self.bytes * times)


def passes(direction: str) -> int:
    """How many forwards a call is worth: 1 for `forward`, 3 for `forward+backward`.

    Raises:
        ValueError: another direction.
    """
    worth = {"forward": 1, "forward+backward": 3}
    if direction not in worth:
        raise ValueError(f"no direction {direction!r}; choose from {', '.join(worth)}")
    return worth[direction]


def linear(rows: int, inputs: int, outputs: int, element_size: int) -> Cost:
    """A dense projection of `rows` vectors from `inputs` to `outputs` features."""
    elements = rows * inputs + inputs * outputs + rows * outputs
    return Cost(2 * rows * inputs * outputs, elements * element_size)


def attention(pairs: int, queries: int, keys: int, dim: int, element_size: int) -> Cost:
    """Scores and weighted values of `pairs` visible (query, key) pairs over all heads together.

    Reads `queries` queries, `keys` keys and as many values, and writes `queries` outputs, each
    `dim` wide.
    """
    return Cost(4 * pairs * dim, 2 * (queries + keys) * dim * element_size)


def residual_norm(rows: int, dim: int, element_size: int) -> Cost:
    """Adds the residual and normalises `rows` vectors: no FLOPs are counted, only bytes."""
    return Cost(0, 3 * rows * dim * element_size)


def causal_pairs(length: int) -> int:
    """Pairs (i, j) with j ≤ i < `length`."""
    return length * (length + 1) // 2


def hatrick_cost(
    dim: int,
    chunk_size: int,
    batch: int,
    seq_len: int,
    *,
    causal: bool = False,
    element_size: int = 4,
) -> Cost:
    """FLOPs and bytes of one forward call of the layer: O(T·n + (T/n)² + T²/n) in the attention.

    Args:
        dim: D, the model's width.
        chunk_size: n.
        batch, seq_len: B and T.
        causal: the causal form sees fewer pairs.
        element_size: bytes of one element.
    """
    full_chunks, tail = divmod(seq_len, chunk_size)
    sizes = {chunk_size: full_chunks, tail: int(tail > 0)}
    chunks = sum(sizes.values())
    if causal:
        # In a chunk of m tokens, token t sees the CLS and t + 1 tokens; the CLS sees everything.
        local = sum(count * (causal_pairs(m) + m + m + 1) for m, count in sizes.items())
        across = causal_pairs(chunks)
        # A token sees the CLS of the chunks before its own.
        cross = chunk_size * causal_pairs(full_chunks - 1) + tail * full_chunks
    else:
        local = sum(count * (m + 1) ** 2 for m, count in sizes.items())
        across = chunks**2
        cross = seq_len * chunks

    e = element_size
    both = seq_len + chunks
    per_sequence = (
        linear(seq_len, dim, 3 * dim, e)
        + attention(local, both, both, dim, e)
        + linear(both, dim, dim, e)
        + residual_norm(both, dim, e)
        + linear(chunks, dim, 3 * dim, e)
        + attention(across, chunks, chunks, dim, e)
        + linear(chunks, dim, dim, e)
        + residual_norm(chunks, dim, e)
        + linear(seq_len, dim, dim, e)
        + linear(chunks, dim, 2 * dim, e)
        + attention(cross, seq_len, chunks, dim, e)
        + linear(seq_len, dim, dim, e)
        + residual_norm(seq_len, dim, e)
    )
    # The CLS vector is the same for every chunk and sequence: it is projected once.
    once = linear(1, dim, 3 * dim, e)
    return per_sequence * batch + once
