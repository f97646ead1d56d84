from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from layers import make_layer, random

import variants
from variants import AttentionConfig

pytest.importorskip("transformers")


@pytest.mark.parametrize(("chunk_size", "seq_len"), [(4, 4), (4, 20), (5, 12), (8, 24)])
def test_it_is_the_function_of_sliding_window(
    chunk_size: int, seq_len: int, equals_oracle_and_own: Callable[..., None]
) -> None:
    layer = make_layer("hf_longformer", chunk_size=chunk_size)
    own = make_layer("sliding_window", chunk_size=chunk_size)
    # Its softmax is in float32, whatever the dtype.
    equals_oracle_and_own(layer, own, seq_len, atol=1e-6)


@pytest.mark.parametrize(("batch", "heads"), [(1, 1), (1, 2), (3, 1)])
def test_the_query_that_it_divides_in_place_is_a_copy(batch: int, heads: int) -> None:
    layer = make_layer("hf_longformer", heads=heads)
    tensors = tuple(random(batch, heads, 8, 8 // heads, seed=seed) for seed in range(3))
    before = [tensor.clone() for tensor in tensors]
    first = layer.core(*tensors)
    assert all(map(torch.equal, tensors, before))
    assert torch.equal(layer.core(*tensors), first)


def test_it_has_no_causal_form_and_needs_whole_windows() -> None:
    config = AttentionConfig(8, 2, causal=True, chunk_size=4)
    support = variants.get("hf_longformer").support(config, torch.device("cpu"), torch.float32)
    assert support.reason == "hf_longformer has no causal form"
    with pytest.raises(ValueError, match="hf_longformer needs a seq_len that is a multiple of 4"):
        make_layer("hf_longformer", chunk_size=4)(random(1, 10, 8))


def test_its_own_projections_are_no_parameters_of_the_layer() -> None:
    layer = make_layer("hf_longformer")
    assert layer.state_dict().keys() == make_layer("sliding_window").state_dict().keys()
