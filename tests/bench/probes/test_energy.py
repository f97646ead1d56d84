from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.probes.energy import LEAST_S, energy_of_a_call

CUDA = torch.device("cuda:0")


class Device:
    """A device that takes 300 W, on a clock of its own, whose counter moves every 0.1 s. Its first
    call compiles for two seconds, all others take `call_s`."""

    def __init__(
        self, call_s: float = 0.004, has_counter: bool = True, dies_after_s: float = 1e9
    ) -> None:
        self.call_s = call_s
        self.now, self.queued, self.calls, self.waits = 0.03, 0.0, 0, 0
        self.has_counter, self.dies_after_s = has_counter, dies_after_s

    def energy_j(self) -> float | None:
        assert self.queued == 0.0, "the counter was read while calls were under way"
        there = self.has_counter and self.now < self.dies_after_s
        return 1e6 + 300.0 * math.floor(self.now / 0.1) * 0.1 if there else None

    def __call__(self) -> Tensor:
        self.queued += self.call_s if self.calls else 2.0
        self.calls += 1
        return torch.empty(0)

    def clear(self) -> None:
        pass

    def synchronize(self, device: torch.device) -> None:
        assert device == CUDA
        self.now, self.queued = self.now + self.queued, 0.0
        self.waits += 1


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Any:
    def measured(device: Device) -> float | None:
        monkeypatch.setattr(torch.cuda, "synchronize", device.synchronize)
        return energy_of_a_call(device, device, CUDA, clock=lambda: device.now)  # type: ignore[arg-type]

    return measured


@pytest.mark.parametrize("call_s", [0.0001, 0.004, 0.04, 0.35])
def test_the_steps_of_the_counter_do_not_blur_it(measured: Any, call_s: float) -> None:
    """A second is ten steps: from anywhere to anywhere it would be off by up to a tenth."""
    device = Device(call_s)
    # A batch of calls at either end is all that is not known.
    assert measured(device) == pytest.approx(300 * call_s, rel=0.02 if call_s < 0.02 else 0.3)
    assert device.now >= 2.0 + LEAST_S


def test_short_calls_are_queued_many_at_a_time(measured: Any) -> None:
    device = Device(0.0001)
    measured(device)
    assert device.waits < device.calls / 20


def test_a_device_without_a_counter_gives_nothing(measured: Any) -> None:
    assert measured(Device(has_counter=False)) is None


def test_a_counter_that_is_lost_on_the_way_gives_nothing(measured: Any) -> None:
    assert measured(Device(dies_after_s=2.5)) is None


def test_a_counter_that_stands_still_gives_nothing(
    measured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Device, "energy_j", lambda self: 5.0)
    assert measured(Device()) is None
