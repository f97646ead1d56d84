"""Masked softmax attention: what is visible, what an empty row gives, and what is refused."""

from __future__ import annotations

import pytest
import torch
from layers import random

from hatrick.attend import attend


@pytest.mark.parametrize("backend", ["auto", "sdpa", "plain"])
def test_keys_and_pairs_together(backend: str) -> None:
    q, k, v = (random(2, 3, length, 4, seed=length) for length in (5, 7, 7))
    keys = torch.rand(2, 7, generator=torch.Generator().manual_seed(0)) < 0.7
    pairs = torch.rand(5, 7, generator=torch.Generator().manual_seed(1)) < 0.7
    got = attend(q, k, v, keys=keys, pairs=pairs, backend=backend)
    for n in range(2):
        for i in range(5):
            seen = [j for j in range(7) if keys[n, j] and pairs[i, j]]
            assert seen
            weights = torch.softmax(q[n, :, i : i + 1] @ k[n][:, seen].transpose(1, 2) / 2, -1)
            want = (weights @ v[n][:, seen])[:, 0]
            torch.testing.assert_close(got[n, :, i], want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", ["sdpa", "plain"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_query_that_sees_nothing_gives_zero_and_no_gradient(
    backend: str, dtype: torch.dtype
) -> None:
    q, k, v = (random(1, 1, 3, 4, seed=i, dtype=dtype).requires_grad_() for i in range(3))
    pairs = torch.tensor([[True, False, True], [False, False, False], [True, True, True]])
    out = attend(q, k, v, pairs=pairs, backend=backend)
    assert not out[0, 0, 1].any()
    out[0, 0, 1].sum().backward()
    assert not any(t.grad.any() for t in (q, k, v))


def test_unknown_backend() -> None:
    q = random(1, 1, 3, 4)
    with pytest.raises(ValueError, match="no backend 'fast'; choose from auto, sdpa, plain, flex"):
        attend(q, q, q, backend="fast")


def test_a_backend_that_cannot_run_is_refused_with_the_reason() -> None:
    q = random(1, 1, 3, 4, dtype=torch.float32).requires_grad_()
    with pytest.raises(ValueError, match=r"'flex' cannot run here: .* no backward on CPU"):
        attend(q, q, q, backend="flex")
