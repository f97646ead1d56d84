from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bench.probes import energy
from bench.probes.energy import energy_of_a_call


class Device:
    """A device that takes 300 W, on a clock of its own; calls take 40 ms."""

    def __init__(self, has_counter: bool = True, dies_after_s: float = 1e9) -> None:
        self.now, self.calls, self.cleared, self.waits = 0.0, 0, 0, 0
        self.has_counter, self.dies_after_s = has_counter, dies_after_s

    def energy_j(self) -> float | None:
        there = self.has_counter and self.now < self.dies_after_s
        return 1e6 + 300.0 * self.now if there else None

    def __call__(self) -> Tensor:
        assert self.cleared == self.calls + 1, "gradients of the call before were not cleared"
        self.calls += 1
        self.now += 0.04
        return torch.empty(0)

    def clear(self) -> None:
        self.cleared += 1

    def synchronize(self) -> None:
        self.waits += 1


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Any:
    def measured(device: Device) -> float | None:
        monkeypatch.setattr(energy, "perf_counter", lambda: device.now)
        monkeypatch.setattr(torch.cuda, "synchronize", device.synchronize)
        return energy_of_a_call(device, device)  # type: ignore[arg-type]

    return measured


def test_energy_is_of_one_call_over_long_enough(measured: Any) -> None:
    device = Device()
    assert measured(device) == pytest.approx(300 * 0.04)
    assert device.now >= energy.LEAST_S
    # The counter may be read only when all calls are done.
    assert device.waits >= 1


def test_a_device_without_a_counter_is_not_called(measured: Any) -> None:
    device = Device(has_counter=False)
    assert measured(device) is None
    assert device.calls == 0


def test_a_counter_that_is_lost_on_the_way_gives_nothing(measured: Any) -> None:
    assert measured(Device(dies_after_s=0.2)) is None
