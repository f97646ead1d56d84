from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench.selftest import clocks

CPU = torch.device("cpu")


@pytest.mark.parametrize(("theirs", "passed"), [(1.0, True), (1.02, True), (0.9, False)])
def test_it_is_held_against_the_other_clock(
    monkeypatch: pytest.MonkeyPatch, theirs: float, passed: bool
) -> None:
    class Ours:
        hidden = None

        def sample(self) -> float:
            return 1.0

        warm_up = sample

    def other(call: Any, device: torch.device) -> tuple[str, Callable[[], float]]:
        return "another clock", lambda: theirs

    monkeypatch.setattr(clocks, "timer", lambda call, device, cache: Ours())
    monkeypatch.setattr(clocks, "_independent", other)
    product, attention = clocks.check_clocks(CPU)
    assert product.passed == attention.passed == passed
    assert product.name == "matrix product: the clock agrees with another clock"
    assert f"{1 / theirs:.3f} times" in product.found


def test_torchs_own_timer_gives_milliseconds_of_one_call() -> None:
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        torch.randn(200, 200) @ torch.randn(200, 200)

    name, other = clocks._independent(call, CPU)  # type: ignore[arg-type]
    assert name == "torch.utils.benchmark.Timer"
    assert 0 < other() < 1000
    assert calls >= 5
