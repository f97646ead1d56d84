"""Full attention's two ways around a seq_len × seq_len mask, and its cost."""

from __future__ import annotations

import pytest
import torch
from layers import make_layer, make_mask, random
from torch import nn

from variants.full import QUERY_BLOCK, full_attention


@pytest.mark.parametrize("padding", ["tail", "anywhere"])
def test_causal_with_padding_over_several_blocks(padding: str) -> None:
    seq_len = 2 * QUERY_BLOCK + 5
    q, k, v = (random(2, 1, seq_len, 4, seed=i) for i in range(3))
    mask = make_mask(padding, 2, seq_len)
    got = full_attention(q, k, v, causal=True, key_padding_mask=mask, backend="sdpa")
    want = full_attention(q, k, v, causal=True, key_padding_mask=mask, backend="plain")
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_equals_torchs_own_multihead_attention(causal: bool) -> None:
    layer = make_layer("full", causal=causal)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(layer.in_proj.weight)
        theirs.in_proj_bias.copy_(layer.in_proj.bias)
        theirs.out_proj.load_state_dict(layer.out_proj.state_dict())
    x, mask = random(2, 13, 8), make_mask("tail", 2, 13)
    hidden = torch.ones(13, 13, dtype=torch.bool).triu(1) if causal else None
    mixed, _ = theirs(x, x, x, key_padding_mask=mask, attn_mask=hidden, need_weights=False)
    want = layer.norm(x + mixed).masked_fill(mask[..., None], 0.0)
    torch.testing.assert_close(layer(x, key_padding_mask=mask), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_cost_counts_the_visible_pairs(causal: bool) -> None:
    layer = make_layer("full", causal=causal)
    cost = layer.cost(layer.config, 1, 21, "forward", scope="core")
    assert cost.flops == 4 * 8 * int(layer.visible(21).sum())


def test_xformers_takes_no_padding() -> None:
    q, k, v = (random(1, 1, 4, 4, seed=i) for i in range(3))
    with pytest.raises(ValueError, match="takes no key_padding_mask; use 'sdpa'"):
        full_attention(q, k, v, key_padding_mask=torch.zeros(1, 4).bool(), backend="xformers")
