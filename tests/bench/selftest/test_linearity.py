from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.selftest import linearity
from bench.selftest.calls import Products

CPU = torch.device("cpu")


class Clock:
    """A timer of products that takes as long as it is told."""

    def __init__(self, milliseconds: float) -> None:
        self.hidden = None
        self.milliseconds = milliseconds

    def sample(self) -> float:
        return self.milliseconds

    warm_up = sample


def clocks(monkeypatch: pytest.MonkeyPatch, offset_ms: float, each_ms: float) -> None:
    """Timers whose readings are off by a constant."""

    def timer(call: Products, device: torch.device, cache: str) -> Any:
        return Clock(offset_ms + each_ms * call._times)

    monkeypatch.setattr(linearity, "timer", timer)


def test_a_clock_that_counts_what_passes_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks(monkeypatch, 0.0, 1.0)
    check = linearity.check_linearity(CPU)
    assert check.passed
    assert check.found.startswith("2.000 times")


def test_a_constant_that_is_added_to_every_call_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # (2 · 8 + 0.5) / (8 + 0.5) = 1.94
    clocks(monkeypatch, 0.5, 1.0)
    check = linearity.check_linearity(CPU)
    assert not check.passed
    assert check.found.startswith("1.941 times")


def test_twice_the_products_is_twice_the_work() -> None:
    work = Products(16, 3, CPU)
    with FlopCounterMode(display=False) as once:
        work()
    with FlopCounterMode(display=False) as twice:
        work.twice()()
    assert twice.get_total_flops() == 2 * once.get_total_flops() > 0
