from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from bench import device as harness
from hatrick import devices

CPU, GPU = torch.device("cpu"), torch.device("cuda:1")


def test_the_harness_calls_a_device_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"a GPU, {device}")
    for device in (CPU, GPU):
        assert devices.model_name(device) == harness.model_name(device) != ""
    assert devices.model_name(torch.device("xpu")) == "xpu"


def test_a_layer_is_where_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.placed(None) == CPU
    assert devices.placed("cuda:1") == GPU
    with torch.device("meta"):
        assert devices.placed(None) == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.placed("meta") == CPU


def test_threads_are_a_cpus() -> None:
    assert devices.threads(CPU) == torch.get_num_threads()
    assert devices.threads(GPU) == 0


def test_the_driver_is_a_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    nvml = SimpleNamespace(
        nvmlInit=lambda: said.append("init"),
        nvmlSystemGetDriverVersion=lambda: "570.1",
        nvmlShutdown=lambda: said.append("shutdown"),
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert devices.driver(CPU) == ""
    assert devices.driver(GPU) == "570.1"
    assert said == ["init", "shutdown"]
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    assert devices.driver(GPU) == ""
