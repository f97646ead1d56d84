from __future__ import annotations

import pytest
import torch
from layers import random

from variants import lsh_rounds
from variants.lsh import lsh_attention
from variants.lsh_rounds import BACKENDS, rounds_reason

CUDA = torch.device("cuda")


def first_that_runs(device: torch.device, dtype: torch.dtype, *, training: bool) -> str:
    return next(
        name for name in BACKENDS if not rounds_reason(name, device, dtype, 64, training=training)
    )


def test_on_cpu_the_flash_kernel_comes_first_in_every_dtype() -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for training in (False, True):
            assert first_that_runs(torch.device("cpu"), dtype, training=training) == "sdpa"


def test_on_cuda_flex_comes_first_and_plain_takes_what_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hatrick.flex.find_spec", lambda name: object())
    assert first_that_runs(CUDA, torch.bfloat16, training=True) == "flex"
    assert first_that_runs(CUDA, torch.float64, training=False) == "plain"
    monkeypatch.setattr("hatrick.flex.find_spec", lambda name: None)
    assert first_that_runs(CUDA, torch.bfloat16, training=True) == "plain"


@pytest.mark.parametrize(
    ("backend", "device", "dtype", "reason"),
    [
        ("sdpa", CUDA, torch.float32, "for cuda that is not written"),
        ("flex", torch.device("cpu"), torch.float32, "returns no log-sum-exp on CPU"),
        ("flex", CUDA, torch.float64, "not torch.float64"),
    ],
)
def test_what_cannot_run_says_why(
    backend: str, device: torch.device, dtype: torch.dtype, reason: str
) -> None:
    assert reason in rounds_reason(backend, device, dtype, 64, training=False)


def test_auto_takes_the_first_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    qk, v = (random(1, 2, 12, 4, seed=i) for i in range(2))
    monkeypatch.setattr(lsh_rounds, "attend_blocks", lambda *_, **__: None)
    assert lsh_attention(qk, v, chunk_size=4, rounds=2) is None
    assert lsh_attention(qk, v, chunk_size=4, rounds=2, backend="plain") is not None
