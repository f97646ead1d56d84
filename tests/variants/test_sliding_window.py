"""Sliding-window attention: the golden cases, its window, and its neighbours' windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import make_layer, random

import variants
from variants import AttentionConfig, oracles
from variants.config import Target
from variants.full import full_attention
from variants.sliding_window import sliding_window_attention
from variants.window_blocks import QUERY_BLOCK

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("window_*.npz"))


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_published_outputs_and_gradients(path: Path, backend: str) -> None:
    case = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    q, k, v = (case[name].requires_grad_() for name in "qkv")
    left, right = int(case["left"]), int(case["right"])
    out = sliding_window_attention(q, k, v, left=left, right=right, backend=backend)
    (out * case["grad_out"]).sum().backward()
    torch.testing.assert_close(out, case["out"], rtol=0, atol=1e-10)
    for tensor, name in ((q, "q"), (k, "k"), (v, "v")):
        torch.testing.assert_close(tensor.grad, case[f"grad_{name}"], rtol=0, atol=1e-10)


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@settings(max_examples=40, deadline=None)
@given(
    blocks=st.integers(0, 3),
    rest=st.integers(1, QUERY_BLOCK),
    left=st.integers(0, 300),
    right=st.integers(0, 300),
)
def test_any_window_over_many_blocks(
    backend: str, blocks: int, rest: int, left: int, right: int
) -> None:
    seq_len = blocks * QUERY_BLOCK + rest
    q, k, v = (random(1, 1, seq_len, 4, seed=i) for i in range(3))
    got = sliding_window_attention(q, k, v, left=left, right=right, backend=backend)
    counts = oracles.window_counts(seq_len, left, right, torch.arange(seq_len))
    want = oracles.multiset_attention(q, k, v, counts, 0.5)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@pytest.mark.parametrize("extra", [0, 1, 1000])
def test_a_window_over_everything_is_full_attention(causal: bool, backend: str, extra: int) -> None:
    q, k, v = (random(2, 2, 150, 4, seed=i) for i in range(3))
    right = 0 if causal else 149 + extra
    got = sliding_window_attention(q, k, v, left=149 + extra, right=right, backend=backend)
    want = full_attention(q, k, v, causal=causal, backend="plain")
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("causal", "chunk_size", "sides"), [(False, 8, (4, 4)), (False, 1, (0, 0)), (True, 8, (7, 0))]
)
def test_the_window_follows_the_chunk_size(
    causal: bool, chunk_size: int, sides: tuple[int, int]
) -> None:
    layer = make_layer("sliding_window", causal=causal, chunk_size=chunk_size)
    assert layer.sides == sides


def test_sides_can_be_given() -> None:
    config = AttentionConfig(8, 2, chunk_size=8)
    layer = variants.create("sliding_window", config, left=2)
    assert layer.sides == (2, 4)
    with pytest.raises(ValueError, match="a causal window has right=0, got right=3"):
        variants.create("sliding_window", AttentionConfig(8, 2, causal=True), right=3)


def test_auto_prefers_what_skips_blocks_on_cuda_and_what_is_measured_on_a_cpu() -> None:
    cls, config = variants.get("sliding_window"), AttentionConfig(64, 2, chunk_size=8)
    orders = {}
    for device in ("cpu", "cuda"):
        target = Target(config, torch.device(device), torch.float32, True, cls.Options())
        orders[device] = cls.preferred(target)
        assert set(orders[device]) == set(cls.backends)
    assert orders["cpu"][0] == "sdpa"
    assert orders["cuda"] == ("flex", "xformers", "sdpa", "plain")


def test_cost_counts_the_visible_pairs() -> None:
    for seq_len in (1, 3, 9, 40):
        for causal in (False, True):
            layer = make_layer("sliding_window", chunk_size=8, causal=causal)
            cost = layer.cost(layer.config, 1, seq_len, "forward", scope="core")
            assert cost.flops == 4 * 8 * int(layer.visible(seq_len).sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": -1}, "at least 0, got left=-1, right=2"),
        ({"backend": "fast"}, "no backend 'fast'; choose from auto, sdpa, plain, flex, xformers"),
        ({"v": torch.zeros(1, 2, 8, 4)}, r"of one shape .* \(1, 2, 9, 4\), \(1, 2, 8, 4\)"),
        (
            {"backend": "xformers", "key_padding_mask": torch.zeros(1, 9, dtype=torch.bool)},
            "takes no key_padding_mask",
        ),
    ],
)
def test_bad_arguments(change: dict[str, object], message: str) -> None:
    arguments = {n: random(1, 2, 9, 4, seed=i) for i, n in enumerate("qkv")}
    with pytest.raises(ValueError, match=message):
        sliding_window_attention(**(arguments | {"left": 2, "right": 2} | change))
