from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

import pytest
from torch import Tensor

from bench.case import Case
from bench.probes import time as probe
from bench.probes.time import MAX_SAMPLES, MIN_SAMPLES, measure_latency

MakeCase = Callable[..., Case]


@pytest.fixture
def fake_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """A clock that stands still; calling the fixture lets milliseconds pass."""
    now = 0.0

    def passes(milliseconds: float) -> None:
        nonlocal now
        now += milliseconds

    monkeypatch.setattr(probe, "perf_counter", lambda: now / 1e3)
    monkeypatch.setattr(probe, "perf_counter_ns", lambda: round(now * 1e6))
    return passes


def test_every_sample_is_one_call(make_case: MakeCase, fake_clock: Callable[..., None]) -> None:
    durations = iter([900.0, 10.0, *(float(n) for n in range(1, 12))])

    def function(x: Tensor) -> Tensor:
        fake_clock(next(durations))
        return x

    latency = measure_latency(make_case(function), seconds=0.05, build_ms=7.0)
    assert latency.build_ms == 7.0
    assert latency.first_call_ms == 900.0
    assert (latency.warmup_ms, latency.warmup_calls) == (910.0, 2)
    # 1 + 2 + … + 10 = 55 ms is where the 50 ms are used up
    assert latency.samples_ms == [float(n) for n in range(1, 11)]
    assert (latency.q1_ms, latency.median_ms, latency.q3_ms) == (3.25, 5.5, 7.75)
    # The sign test at n = 10: order statistics 2 and 9 cover 97.9%.
    assert (latency.low_ms, latency.high_ms) == (2.0, 9.0)


def test_slow_calls_get_enough_samples_for_an_interval(
    make_case: MakeCase, fake_clock: Callable[..., None]
) -> None:
    def function(x: Tensor) -> Tensor:
        fake_clock(5000.0)
        return x

    latency = measure_latency(make_case(function), seconds=0.01, build_ms=0.0)
    assert len(latency.samples_ms) == MIN_SAMPLES
    assert latency.low_ms == latency.high_ms == 5000.0


def test_fast_calls_warm_up_for_a_while_and_stop_at_the_limit(
    make_case: MakeCase, fake_clock: Callable[..., None]
) -> None:
    def function(x: Tensor) -> Tensor:
        fake_clock(1.0)
        return x

    latency = measure_latency(make_case(function), seconds=3600, build_ms=0.0)
    assert latency.warmup_calls == 100
    assert len(latency.samples_ms) == MAX_SAMPLES


def test_a_real_clock_sees_a_sleep(make_case: MakeCase) -> None:
    def function(x: Tensor) -> Tensor:
        time.sleep(0.01)
        return x

    latency = measure_latency(make_case(function), seconds=0.05, build_ms=0.0)
    assert min(latency.samples_ms) >= 10.0
    assert latency.median_ms < 200.0


def test_no_collection_while_sampling(make_case: MakeCase) -> None:
    enabled: list[bool] = []

    def function(x: Tensor) -> Tensor:
        enabled.append(gc.isenabled())
        return x

    latency = measure_latency(make_case(function), seconds=0.001, build_ms=0.0)
    assert not any(enabled[latency.warmup_calls :])
    assert gc.isenabled()


def test_gradients_are_cleared_before_each_call(make_case: MakeCase) -> None:
    case = make_case(direction="forward+backward")
    layer = case.layer
    seen: list[bool] = []

    def function(x: Tensor) -> Tensor:
        seen.append(x.grad is None)
        y: Tensor = layer(x)
        return y

    case.function = function
    measure_latency(case, seconds=0.001, build_ms=0.0)
    assert len(seen) >= 2 + MIN_SAMPLES
    assert all(seen)
