from __future__ import annotations

import pytest
import torch
from layers import make_layer, random

pytest.importorskip("reformer_pytorch")


@pytest.mark.parametrize("seq_len", [4, 12, 15])
def test_a_length_of_no_two_chunks_is_refused(seq_len: int) -> None:
    layer = make_layer("reformer_pytorch", chunk_size=4)
    with pytest.raises(ValueError, match=f"a multiple of 8, got {seq_len}"):
        layer(random(1, seq_len, 8))


def test_given_buckets_are_used_and_forgotten() -> None:
    layer, x = make_layer("reformer_pytorch"), random(1, 16, 8)
    first = layer(x)
    buckets = torch.zeros(1, 2, 4, 16, dtype=torch.int64)
    given = layer(x, buckets=buckets)
    assert not torch.allclose(given, first, rtol=0, atol=1e-3)
    torch.testing.assert_close(given, layer.oracle(x, buckets=buckets), rtol=0, atol=1e-10)
    assert torch.equal(layer(x), first)


def test_it_is_the_packages_own_class_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import reformer_pytorch

    layer, x = make_layer("reformer_pytorch", rounds=2), random(1, 16, 8)
    assert type(layer.attention) is reformer_pytorch.LSHAttention
    assert (layer.attention.bucket_size, layer.attention.n_hashes) == (4, 2)
    monkeypatch.setattr(layer.attention, "forward", lambda qk, v: (v, None, None))
    values = layer.split(x)[1]
    assert torch.equal(layer.core(*layer.split(x)), values)
