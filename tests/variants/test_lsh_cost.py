from __future__ import annotations

import pytest

from variants.config import AttentionConfig, Workload
from variants.lsh import LSHOptions
from variants.lsh_cost import least_bytes

ROWS = 16 * 8 * 4
"""Ten tokens, padded to two chunks of eight, 8 wide, float32."""
SLOTS = 2 * ROWS
"""In both of two rounds."""
MASK = 16 * 2 * 16
"""16 queries, two heads, two chunks of keys."""
KEPT = 16 * 2 * (2 * 8 + 4)
"""16 slots of two heads: the order of each round, and a log-sum-exp."""
OUT = 10 * 8 * 4


@pytest.mark.parametrize(
    ("backend", "training", "expected"),
    [
        ("plain", False, 5 * SLOTS + 2 * MASK + 2 * 4 * 2 * MASK),
        ("plain", True, 5 * SLOTS + 2 * MASK + 3 * 4 * 2 * MASK),
        ("sdpa", False, OUT + KEPT + 5 * ROWS + 4 * MASK),
        ("sdpa", True, 3 * OUT + KEPT + 14 * ROWS + 4 * MASK),
        ("flex", False, 4 * SLOTS),
        ("flex", True, 8 * SLOTS),
        ("auto", False, OUT),
        ("auto", True, 3 * OUT),
    ],
)
def test_the_bound_counts_slots_and_masks_of_whole_chunks(
    backend: str, training: bool, expected: int
) -> None:
    config = AttentionConfig(8, 2, chunk_size=8)
    workload = Workload(config, 1, 10, "core", 4, LSHOptions(rounds=2))
    assert least_bytes(workload, 2, backend, training=training) == expected


def test_whole_chunks_that_are_not_causal_need_no_mask_for_each() -> None:
    def bound(seq_len: int, causal: bool) -> int:
        config = AttentionConfig(8, 2, chunk_size=8, causal=causal)
        workload = Workload(config, 1, seq_len, "core", 4, LSHOptions(rounds=2))
        return least_bytes(workload, 2, "sdpa", training=False)

    assert bound(16, causal=True) - bound(16, causal=False) == 4 * MASK


def test_a_block_of_heads_does_not_grow_with_their_number() -> None:
    def bound(heads: int) -> int:
        config = AttentionConfig(64 * heads, heads, chunk_size=64)
        workload = Workload(config, 1, 8192, "core", 4, LSHOptions(rounds=4))
        return least_bytes(workload, 4, "sdpa", training=False)

    block = 5 * 8192 * 64 * 4
    assert bound(16) - block == 2 * (bound(8) - block)
