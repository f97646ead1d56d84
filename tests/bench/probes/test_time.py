from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.case import Case
from bench.probes import time as probe
from bench.probes.time import CpuTimer, CudaTimer, cache_bytes, take_samples, timer

MakeCase = Callable[..., Case]
CPU = torch.device("cpu")


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.ms = 0.0

    def passes(self, milliseconds: float) -> None:
        self.ms += milliseconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(probe, "perf_counter", lambda: clock.ms / 1e3)
    monkeypatch.setattr(probe, "perf_counter_ns", lambda: round(clock.ms * 1e6))
    return clock


class Call:
    """A call that takes as long as it is told; it keeps count."""

    def __init__(self, clock: Clock, *durations: float) -> None:
        self.clock, self.durations, self.log = clock, list(durations), []

    def __call__(self) -> Tensor:
        self.log.append("call")
        self.clock.passes(self.durations.pop(0) if len(self.durations) > 1 else self.durations[0])
        return torch.empty(0)

    def clear(self) -> None:
        self.log.append("clear")
        self.clock.passes(1000.0)


def test_a_sample_is_the_call_alone(clock: Clock) -> None:
    """Neither clearing gradients nor flushing the cache is in it."""
    call = Call(clock, 3.0)
    timed = CpuTimer(call, lambda: clock.passes(500.0))
    assert timed.sample() == 3.0
    assert call.log == ["clear", "call"]
    assert timed.hidden is None


def test_samples_end_with_the_time(clock: Clock) -> None:
    call = Call(clock, *(float(n) for n in range(1, 20)))
    call.clear = lambda: None  # type: ignore[method-assign]
    # 1 + 2 + … + 10 = 55 ms is where the 50 ms are used up
    samples = take_samples(CpuTimer(call, lambda: None), least=1, most=100, seconds=0.05)
    assert samples == [float(n) for n in range(1, 11)]


def test_slow_calls_get_their_least_samples_and_fast_ones_their_most(clock: Clock) -> None:
    slow = take_samples(CpuTimer(Call(clock, 900.0), lambda: None), least=4, most=50, seconds=0.1)
    assert slow == [900.0] * 4
    call = Call(clock, 0.25)
    call.clear = lambda: None  # type: ignore[method-assign]
    fast = take_samples(CpuTimer(call, lambda: None), least=4, most=50, seconds=1.0)
    assert fast == [0.25] * 50


def test_gradients_are_none_before_every_sample(make_case: MakeCase) -> None:
    found: list[bool] = []

    def function(x: Tensor) -> Tensor:
        found.append(x.grad is None)
        return x * 2

    case = make_case(function, direction="forward+backward")
    take_samples(timer(case, CPU, "warm"), least=3, most=3, seconds=0.0)
    assert found == [True] * 3
    assert case.inputs[0].grad is not None


def test_a_cold_cache_is_flushed_by_more_than_it_holds(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    real = Tensor.zero_

    def zero(self: Tensor) -> Tensor:
        written.append(self.nbytes)
        return real(self)

    monkeypatch.setattr(probe, "cache_bytes", lambda device: 1 << 16)
    monkeypatch.setattr(Tensor, "zero_", zero)
    cold = timer(make_case(), CPU, "cold")
    cold.sample()
    assert max(written) > 1 << 16
    written.clear()
    timer(make_case(), CPU, "warm").sample()
    assert max(written, default=0) < 1 << 16


def test_a_cache_of_unknown_size_is_not_flushed_for_show(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "cache_bytes", lambda device: 0)
    with pytest.raises(RuntimeError, match="cannot be flushed"):
        timer(make_case(), CPU, "cold")


def test_the_size_of_this_machines_cache() -> None:
    assert cache_bytes(CPU) >= 0


class FakeCuda:
    """A device whose queue is worked off while the host's clock goes on."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.busy_until = 0.0
        self.waits_ms: list[float] = []

    def queue(self, milliseconds: float) -> None:
        self.busy_until = max(self.busy_until, self.clock.ms) + milliseconds

    def sleep(self, cycles: int) -> None:
        self.waits_ms.append(cycles / 1e6)
        self.queue(cycles / 1e6)  # a clock of 1 GHz

    def synchronize(self, device: Any = None) -> None:
        self.clock.ms = max(self.clock.ms, self.busy_until)

    def event(self, enable_timing: bool) -> FakeEvent:
        assert enable_timing
        return FakeEvent(self)


class FakeEvent:
    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda

    def record(self) -> None:
        self.at = max(self.cuda.busy_until, self.cuda.clock.ms)

    def query(self) -> bool:
        return self.cuda.clock.ms >= self.at

    def synchronize(self) -> None:
        self.cuda.clock.ms = max(self.cuda.clock.ms, self.at)

    def elapsed_time(self, other: FakeEvent) -> float:
        return other.at - self.at


@pytest.fixture
def cuda(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda(clock)
    monkeypatch.setattr(torch.cuda, "Event", fake.event)
    monkeypatch.setattr(torch.cuda, "synchronize", fake.synchronize)
    monkeypatch.setattr(torch.cuda, "_sleep", fake.sleep)
    probe._cycles_per_ms.cache_clear()
    return fake


class Launches:
    """A call of ten kernels of 0.1 ms, each of which takes Python 0.3 ms to queue."""

    def __init__(self, cuda: FakeCuda, waits_for_the_device: bool = False) -> None:
        self.cuda, self.waits = cuda, waits_for_the_device

    def __call__(self) -> Tensor:
        for _ in range(10):
            self.cuda.clock.passes(0.3)
            self.cuda.queue(0.1)
            if self.waits:
                self.cuda.synchronize()
        return torch.empty(0)

    def clear(self) -> None:
        pass


def test_the_device_never_waits_for_python(cuda: FakeCuda) -> None:
    """By itself the call takes 3.1 ms, because the device waits for its next kernel each time."""
    flushes: list[float] = []
    timed = CudaTimer(Launches(cuda), lambda: flushes.append(cuda.clock.ms), torch.device("cuda:0"))
    assert timed.warm_up() == pytest.approx(3.1)
    assert [timed.sample() for _ in range(5)] == pytest.approx([1.0] * 5)
    assert timed.hidden == 5
    assert len(flushes) == 5


def test_a_call_that_waits_for_the_device_is_not_called_hidden(cuda: FakeCuda) -> None:
    timed = CudaTimer(Launches(cuda, True), lambda: None, torch.device("cuda:0"))
    timed.warm_up()
    for _ in range(20):
        timed.sample()
    assert timed.hidden == 0
    assert max(cuda.waits_ms[-20:]) <= probe.BLOCK_MS[1]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_device_a_matrix_product_takes_what_it_takes(make_case: MakeCase) -> None:
    device = torch.device("cuda:0")
    a = torch.randn(4096, 4096, device=device)

    class Product:
        def __call__(self) -> Tensor:
            return a @ a

        def clear(self) -> None:
            pass

    timed = timer(Product(), device, "cold")
    for _ in range(5):
        timed.warm_up()
    samples = take_samples(timed, least=20, most=20, seconds=0.0)
    assert timed.hidden == 20
    assert cache_bytes(device) > 1 << 20
    # 2 · 4096³ FLOPs: no device does more than 10 PFLOP/s, or less than 1 TFLOP/s, in float32.
    assert 0.0137 < sorted(samples)[10] < 137
