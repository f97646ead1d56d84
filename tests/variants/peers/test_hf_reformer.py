from __future__ import annotations

import pytest
import torch
from layers import make_layer, random

pytest.importorskip("transformers")


@pytest.mark.parametrize("causal", [False, True])
def test_what_its_norm_adds_is_all_that_is_left(causal: bool) -> None:
    layer = make_layer("hf_reformer", dim=32, chunk_size=8, causal=causal)
    x = random(2, 64, 32)
    error = (layer(x) - layer.oracle(x)).norm() / layer.oracle(x).norm()
    assert 1e-9 < error < 1e-6


@pytest.mark.parametrize("seq_len", [4, 8, 12])
def test_a_multiple_of_the_chunk_will_do_and_one_chunk_too(seq_len: int) -> None:
    layer = make_layer("hf_reformer", chunk_size=4)
    x = random(1, seq_len, 8)
    torch.testing.assert_close(layer(x), layer.oracle(x), rtol=0, atol=1e-4)


def test_another_length_is_refused() -> None:
    with pytest.raises(
        ValueError, match="hf_reformer needs a seq_len that is a multiple of 4, got 7"
    ):
        make_layer("hf_reformer", chunk_size=4)(random(1, 7, 8))


def test_there_are_as_many_buckets_as_lsh_has() -> None:
    layer, own, x = make_layer("hf_reformer"), make_layer("lsh"), random(8, 64, 8)
    found = [each.buckets(each.split(x)[0]) for each in (layer, own)]
    assert [int(buckets.max()) for buckets in found] == [15, 15]


def test_in_half_precision_it_stays_finite() -> None:
    layer = make_layer("hf_reformer", dtype=torch.bfloat16)
    x = random(1, 64, 8, dtype=torch.bfloat16)
    assert (layer(x) - layer.oracle(x)).norm() / layer.oracle(x).norm() < 0.02


def test_its_own_projections_are_no_parameters_of_the_layer() -> None:
    names = dict(make_layer("hf_reformer").named_parameters())
    assert names.keys() == dict(make_layer("lsh").named_parameters()).keys()
