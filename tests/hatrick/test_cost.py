"""The cost model against torch's own FLOP counter, and by counting pairs."""

from __future__ import annotations

import pytest
import torch
from layers import make_layer
from torch.utils.flop_counter import FlopCounterMode

from hatrick.cost import Cost, causal_pairs, hatrick_cost


@pytest.mark.parametrize(
    ("name", "seq_len", "chunk_size"),
    [
        ("full", 96, 1),
        ("full", 65, 8),
        ("hatrick", 96, 16),
        ("hatrick", 96, 96),
        ("hatrick", 8, 1),
        ("lsh", 96, 16),
    ],
)
@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
def test_flops_are_those_that_torch_counts(
    name: str, seq_len: int, chunk_size: int, direction: str
) -> None:
    """`plain` runs every product of the formula and no other (no tail, not causal)."""
    layer = make_layer(name, dim=32, heads=4, chunk_size=chunk_size, backend="plain")
    x = torch.randn(2, seq_len, 32, dtype=torch.float64, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        y = layer(x)
        if direction == "forward+backward":
            y.sum().backward()
    cost = layer.cost(layer.config, 2, seq_len, direction)
    assert cost.flops == counter.get_total_flops()


def test_bytes_of_a_small_layer_by_hand() -> None:
    """3 tokens, 2 wide, in two chunks of 2 and 1: every stage's inputs, weights and outputs."""
    local = (3 * 2 + 12 + 3 * 6) + (2 + 12 + 6) + (5 * 2 + 4 + 5 * 2)
    across = (2 * 2 + 12 + 2 * 6) + (2 * 2 + 4 + 2 * 2)
    cross = (3 * 2 + 4 + 3 * 2) + (2 * 2 + 8 + 2 * 4) + (3 * 2 + 4 + 3 * 2)
    linears = local + across + cross
    attentions = 2 * (5 + 5) * 2 + 2 * (2 + 2) * 2 + 2 * (3 + 2) * 2
    norms = 3 * 2 * (5 + 2 + 3)
    assert hatrick_cost(2, 2, 1, 3, element_size=1).bytes == linears + attentions + norms


@pytest.mark.parametrize("chunk_size", [1, 4, 7, 50])
@pytest.mark.parametrize("seq_len", [1, 4, 21, 40])
def test_causal_pairs_by_counting(seq_len: int, chunk_size: int) -> None:
    pairs = 0
    starts = range(0, seq_len, chunk_size)
    for index, start in enumerate(starts):
        size = min(chunk_size, seq_len - start)
        pairs += size + 1  # the CLS on its chunk and itself
        pairs += sum(1 + t + 1 for t in range(size))  # a token on CLS, earlier tokens, itself
        pairs += index + 1  # the CLS on the CLS up to itself
        pairs += size * index  # the tokens on the CLS before
    arguments = (8, chunk_size, 1, seq_len)
    causal = hatrick_cost(*arguments, causal=True)
    chunks = len(starts)
    linears = 2 * 64 * (3 * seq_len + 3 + seq_len + chunks + 3 * chunks + chunks)
    linears += 2 * 64 * (seq_len + 2 * chunks + seq_len)
    assert causal.flops == 4 * 8 * pairs + linears


def test_the_best_chunk_size_is_near_the_square_root_of_the_length() -> None:
    for seq_len in (1024, 4096, 16384):
        attention = {}
        for chunk_size in (2**p for p in range(2, 12)):
            chunks = -(-seq_len // chunk_size)
            cost = hatrick_cost(64, chunk_size, 1, seq_len).flops
            attention[chunk_size] = cost - 2 * 64 * 64 * (6 * seq_len + 7 * chunks + 3)
        best = min(attention, key=attention.__getitem__)
        assert seq_len**0.5 / 2 <= best <= seq_len**0.5 * 2


def test_costs_add_and_scale() -> None:
    assert Cost(1, 2) + Cost(3, 4) * 2 == Cost(7, 10)
    assert causal_pairs(4) == 10
