from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from bench.case import Case
from bench.probes.operators import OUTSIDE, measure_operators


def products(x: Tensor) -> Tensor:
    """Two batched products and a sum."""
    return x @ x.mT @ x + x


def test_operators_are_counted_by_the_call_and_the_slowest_comes_first(
    make_case: Callable[..., Case],
) -> None:
    case = make_case(products, seq_len=256)
    with torch.no_grad():
        case()
        found = measure_operators(case, calls=4)
    calls = {operator.name: operator.calls for operator in found}
    assert calls["aten::bmm"] == 2
    assert calls["aten::add"] == 1
    assert calls[OUTSIDE] == 1
    times = [operator.self_ms for operator in found]
    assert times == sorted(times, reverse=True)
    assert sum(operator.share for operator in found) == pytest.approx(1)


def test_the_backward_is_in_it(make_case: Callable[..., Case]) -> None:
    case = make_case(products, direction="forward+backward")
    case()
    calls = {operator.name: operator.calls for operator in measure_operators(case, calls=2)}
    assert calls["aten::bmm"] == 6
    assert all(leaf.grad is not None for leaf in case.inputs)


def test_on_cuda_kernels_are_added_up_and_what_repeats_their_time_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Event:
        is_user_annotation = False

        def __init__(self, key: str, device: str, us: float, **changes: Any) -> None:
            self.key, self.count, self.self_device_time_total = key, 4, us
            self.device_type = type("DeviceType", (), {"name": device})()
            self.__dict__ |= changes

    class Recorded:
        def __enter__(self) -> Recorded:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def key_averages(self) -> list[Event]:
            return [
                Event("aten::mm", "CPU", 9000.0),
                Event("gemm", "CUDA", 6000.0),
                Event("softmax", "CUDA", 2000.0),
                Event("span", "CUDA", 8000.0, is_user_annotation=True),
            ]

    class OnDevice:
        """A case, as far as it is looked at."""

        inputs = (SimpleNamespace(is_cuda=True, device=torch.device("cuda:0")),)
        done: ClassVar[list[str]] = []

        def clear(self) -> None:
            self.done.append("clear")

        def __call__(self) -> None:
            self.done.append("call")

    def synchronize(device: torch.device) -> None:
        OnDevice.done.append(f"synchronize {device}")

    monkeypatch.setattr("bench.probes.operators.profile", lambda activities: Recorded())
    monkeypatch.setattr("torch.cuda.synchronize", synchronize)
    found = measure_operators(OnDevice(), calls=2)  # type: ignore[arg-type]
    assert [(each.name, each.calls, each.self_ms, each.share) for each in found] == [
        ("gemm", 2.0, 3.0, 0.75),
        ("softmax", 2.0, 1.0, 0.25),
    ]
    assert OnDevice.done == ["clear", "call", "clear", "call", "synchronize cuda:0"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_kernels_of_a_product_are_found_on_cuda(make_case: Callable[..., Case]) -> None:
    case = make_case(products, device="cuda:0", seq_len=256)
    with torch.no_grad():
        case()
        found = measure_operators(case, calls=2)
    assert found
    assert not any(operator.name.startswith("aten::") for operator in found)
    assert sum(operator.share for operator in found) == pytest.approx(1)
