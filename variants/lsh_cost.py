"""What LSH attention costs and takes, counted from its shapes."""

from __future__ import annotations

from hatrick.cost import Cost, attention, linear
from variants.config import Workload
from variants.lsh_hashing import bucket_count


def core_cost(workload: Workload, rounds: int) -> Cost:
    """A query sees two chunks a round, whichever they are; which of these keys are earlier or its
    own depends on the data, so causal costs the same."""
    config, seq_len = workload.config, workload.seq_len
    slots = rounds * seq_len
    seen = 2 * min(config.chunk_size, seq_len)
    return attention(slots * seen, slots, slots, config.dim, workload.element_size)


def hashing_cost(workload: Workload, rounds: int) -> Cost:
    """Hashing is one projection to half the buckets of every round."""
    config, seq_len = workload.config, workload.seq_len
    rotations = rounds * bucket_count(seq_len, config.chunk_size) // 2
    vectors = workload.batch * seq_len * config.heads
    return linear(vectors, config.head_dim, rotations, workload.element_size)


def least_bytes(workload: Workload, rounds: int, backend: str, *, training: bool) -> int:
    """A lower bound of the core's memory: every round's sorted queries (as large as the padded
    input), keys and values (each twice that: a chunk and the one before), and the mask over both
    chunks. `sdpa`: the mask once more in the dtype, each round's output; in the backward the
    gradients of all. `plain`: the scores, in float32 at least, before and after the softmax, and
    in its backward once more."""
    config, size = workload.config, workload.element_size
    chunk = config.chunk_size
    tokens = rounds * workload.batch * -(-workload.seq_len // chunk) * chunk
    slots, mask = tokens * config.dim * size, tokens * config.heads * 2 * chunk
    if backend == "plain":
        return 5 * slots + mask * (1 + max(size, 4) * (3 if training else 2))
    if backend == "sdpa":
        return 12 * slots + mask * size if training else 6 * slots + mask * (1 + size)
    return (10 if training else 5) * slots + mask
