from __future__ import annotations

import pytest
import torch

from bench import device
from bench.spec import SpecError


def pretend_cuda(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(
    ("name", "gpus", "expected"),
    [
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cpu", 2, "cpu"),
        ("cuda", 2, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_names(monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, expected: str) -> None:
    pretend_cuda(monkeypatch, gpus)
    assert device.resolve(name) == torch.device(expected)


@pytest.mark.parametrize("name", ["cuda:2", "cuda:-1", "gpu", ""])
def test_what_is_not_here(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend_cuda(monkeypatch, 2)
    with pytest.raises(SpecError, match="choose from auto, cpu, cuda:0, cuda:1"):
        device.resolve(name)


def test_the_cpu_has_a_model() -> None:
    assert device.model_name(torch.device("cpu")) == device.cpu_model() != ""
