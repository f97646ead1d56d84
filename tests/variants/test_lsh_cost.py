from __future__ import annotations

import pytest

from variants.config import AttentionConfig, Workload
from variants.lsh import LSHOptions
from variants.lsh_cost import least_bytes

SLOTS = 2 * 16 * 8 * 4
"""Two rounds of ten tokens, padded to two chunks of eight, 8 wide, float32."""
MASK = 2 * 16 * 2 * 16
"""Two rounds of 16 queries, two heads, two chunks of keys."""


@pytest.mark.parametrize(
    ("backend", "training", "expected"),
    [
        ("plain", False, 5 * SLOTS + MASK + 2 * 4 * MASK),
        ("plain", True, 5 * SLOTS + MASK + 3 * 4 * MASK),
        ("sdpa", False, 6 * SLOTS + MASK + 4 * MASK),
        ("sdpa", True, 12 * SLOTS + 4 * MASK),
        ("flex", False, 5 * SLOTS + MASK),
        ("flex", True, 10 * SLOTS + MASK),
    ],
)
def test_the_bound_counts_slots_and_masks_of_whole_chunks(
    backend: str, training: bool, expected: int
) -> None:
    config = AttentionConfig(8, 2, chunk_size=8)
    workload = Workload(config, 1, 10, "core", 4, LSHOptions(rounds=2))
    assert least_bytes(workload, 2, backend, training=training) == expected
