"""What LSH attention costs and takes, counted from its shapes."""

from __future__ import annotations

from hatrick.cost import Cost, attention, linear
from variants.config import Workload
from variants.lsh_blocks import block_size
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
    """A lower bound of the core's memory; see the function of each backend."""
    if backend == "sdpa":
        return _blocks_bytes(workload, rounds, training)
    config, size = workload.config, workload.element_size
    slots = rounds * workload.batch * _padded(workload)
    if backend == "plain":
        return _plain_bytes(workload, slots, training)
    if backend == "flex":
        # Every round's queries, keys, values and outputs; in the backward their gradients too.
        return (8 if training else 4) * slots * config.dim * size
    # Of `auto` no more is known than that it holds the output and the gradients.
    return workload.activation_bytes * (3 if training else 1)


def _plain_bytes(workload: Workload, slots: int, training: bool) -> int:
    """Every round's sorted queries, keys and values (each twice: a chunk and the one before), and
    the mask over both chunks; the scores, in float32 at least, before and after the softmax, and
    in the backward once more."""
    config, size = workload.config, workload.element_size
    mask = slots * config.heads * 2 * config.chunk_size
    return 5 * slots * config.dim * size + mask * (1 + max(size, 4) * (3 if training else 2))


def _blocks_bytes(workload: Workload, rounds: int, training: bool) -> int:
    """The output, the order of all slots (int64) and the log-sum-exps; in training, the gradients.
    And of one round of one block of heads: the keys in the order of tokens, queries, keys and
    values in that of slots, and what comes of them; in the backward also the output, its gradient
    and three sums, and of keys and values a gradient for each chunk that sees them. Where not all
    chunks hide the same slots, their masks in the dtype."""
    config, size = workload.config, workload.element_size
    padded, wide = _padded(workload), max(size, 4)
    everywhere = workload.batch * config.heads * padded
    kept = everywhere * (rounds * 8 + wide) + workload.activation_bytes * (3 if training else 1)
    sequences, heads = block_size(workload.batch, config.heads, padded, config.head_dim)
    block = sequences * heads * padded
    row = config.head_dim * ((11 * size + 3 * wide) if training else 5 * size)
    general = config.causal or padded > workload.seq_len or config.chunk_size == 1
    return kept + block * (row + general * 2 * config.chunk_size * size)


def _padded(workload: Workload) -> int:
    """seq_len rounded up to whole chunks."""
    chunk = workload.config.chunk_size
    return -(-workload.seq_len // chunk) * chunk
