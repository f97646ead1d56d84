from __future__ import annotations

from pathlib import Path

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


def test_several_devices_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch, 3)
    monkeypatch.setattr(device, "model_name", lambda _: "one model")
    assert device.resolve_all(["cuda:1", "cuda", "cuda:1"]) == [
        torch.device("cuda:1"),
        torch.device("cuda:0"),
    ]
    assert device.resolve_all(["all"]) == [torch.device(f"cuda:{n}") for n in range(3)]
    assert device.resolve_all(["auto"]) == [torch.device("cuda:0")]


def test_devices_of_different_models_do_not_share_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch, 2)
    monkeypatch.setattr(device, "model_name", lambda each: f"model {each.index}")
    with pytest.raises(SpecError, match=r"cuda:0 \(model 0\), cuda:1 \(model 1\): .* one model"):
        device.resolve_all(["all"])
    with pytest.raises(SpecError, match=r"cpu \(.*\), cuda:0 \("):
        device.resolve_all(["cpu", "cuda:0"])


def test_all_devices_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_cuda(monkeypatch, 0)
    with pytest.raises(SpecError, match="there is none here; choose cpu"):
        device.resolve_all(["all"])


def test_the_memory_of_the_cpu_is_the_machines() -> None:
    total = next(
        int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal:")
    )
    assert device.memory_bytes(torch.device("cpu")) == total << 10
