from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.stopping import MAX_SAMPLES, MIN_VISITS, min_samples, stationary, stopped_by
from reports.figures import StoppedBy
from reports.intervals import median_interval

Array = NDArray[np.float64]
CALLS = 4096
ENDLESS = 1e9


def recorded(name: str) -> dict[str, Any]:
    file = Path(__file__).parents[1] / "data" / "samples" / f"{name}.json"
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return data


def warm_after(durations_ms: Array, *, least: int = 16) -> int | None:
    """After how many calls warm-up ends, asked as the harness asks."""
    asked = (2**power for power in range(1, 13) if 2**power >= least)
    return next((n for n in asked if stationary(durations_ms[:n].tolist())), None)


def noise(spread: float, seed: int) -> Array:
    return np.exp(np.random.default_rng(seed).normal(0, spread, CALLS))


CURVES: dict[str, Array] = {
    "decay over 20 calls": 1 + np.exp(-np.arange(CALLS) / 20),
    "decay over 200 calls": 1 + np.exp(-np.arange(CALLS) / 200),
    "decay by a third over 100 calls": 1 + 0.3 * np.exp(-np.arange(CALLS) / 100),
    "ramp over 500 calls": 1 + np.clip(1 - np.arange(CALLS) / 500, 0, 1),
}


@pytest.mark.parametrize("curve", CURVES)
def test_warm_up_does_not_end_while_calls_still_become_faster(curve: str) -> None:
    # In fewer calls the slowest of these curves changes by less than is waited for.
    for seed in range(20):
        calls = CURVES[curve] * noise(0.005, seed)
        n = warm_after(calls, least=64)
        assert n is not None, "it ends at last"
        assert CURVES[curve][n - 1] < 1.02


def test_warm_up_does_not_end_while_calls_still_become_slower() -> None:
    calls = (1 + np.arange(64) / 64) * noise(0.01, 0)[:64]
    assert not any(stationary(calls[:n].tolist()) for n in (16, 32, 64))


def test_warm_up_goes_on_for_a_while_after_a_step() -> None:
    for seed in range(20):
        calls = np.where(np.arange(CALLS) < 50, 1.2, 1.0) * noise(0.01, seed)
        assert not stationary(calls[:64].tolist())
        assert warm_after(calls, least=64) in (128, 256)


def heavy_tailed(seed: int) -> Array:
    return 1 + 0.05 * np.random.default_rng(seed).pareto(1.5, CALLS)


def with_outliers(seed: int) -> Array:
    return np.where(np.random.default_rng(seed).random(CALLS) < 0.05, 10, 1) * noise(0.03, seed)


STEADY: dict[str, Callable[[int], Array]] = {
    "noise of 1%": lambda seed: noise(0.01, seed),
    "noise of 30%": lambda seed: noise(0.3, seed),
    "heavy tails": heavy_tailed,
    "outliers": with_outliers,
}


@pytest.mark.parametrize("kind", STEADY)
def test_warm_up_ends_soon_when_calls_differ_by_noise_alone(kind: str) -> None:
    ends = [warm_after(STEADY[kind](seed)) or CALLS for seed in range(100)]
    assert np.median(ends) == 16
    assert np.quantile(ends, 0.9) <= 64


@pytest.mark.parametrize("count", [2, 4])
def test_slow_calls_are_judged_by_the_tolerance_alone(count: int) -> None:
    assert stationary([1000.0, 1005.0] * (count // 2))
    assert stationary([1000.0] * (count - 1) + [1040.0])
    assert not stationary([1000.0] * (count - 1) + [1060.0])


@pytest.mark.parametrize("calls", [[], [5000.0], [1.0, 1.0], [1.0] * 8])
def test_too_little_warm_up_is_never_stationary(calls: list[float]) -> None:
    assert not stationary(calls)


@given(st.floats(1e-3, 1e4), st.integers(16, 200))
def test_constant_calls_are_stationary(call_ms: float, count: int) -> None:
    assert stationary([call_ms] * count)


def test_recorded_warm_up_ends_after_its_slow_first_calls() -> None:
    calls = np.array(recorded("matmul_192")["warmup_ms"])
    n = warm_after(calls, least=32)
    assert n == 64  # the first dozen calls are half as long again
    assert np.median(calls[n // 2 : n]) == pytest.approx(np.median(calls[n:]), rel=0.01)


def test_a_slow_call_needs_fewer_samples() -> None:
    assert min_samples(1000.0) == 20
    assert min_samples(1000.1) == 10


Visits = Callable[[np.random.Generator, int, int], Array]
"""Samples of a visit: generator, number of the visit, how many."""


def log_normal(spread: float) -> Visits:
    return lambda generator, _, count: np.exp(generator.normal(0, spread, count))


def sampled(
    draw: Visits, *, seed: int, size: int, seconds: float, target: float = 0.01
) -> tuple[StoppedBy, list[float], list[int]]:
    """Sample as the harness does, until something stops it."""
    generator = np.random.default_rng(seed)
    samples: list[float] = []
    visits: list[int] = []
    while True:
        samples += draw(generator, len(visits), size).tolist()
        visits.append(size)
        why = stopped_by(samples, visits, target=target, seconds=seconds)
        if why is not None:
            return why, samples, visits


def endings(draw: Visits, *, size: int, seconds: float, times: int = 60) -> Counter[str]:
    return Counter(sampled(draw, seed=seed, size=size, seconds=seconds)[0] for seed in range(times))


@pytest.mark.parametrize(("spread", "size"), [(0.02, 4), (0.03, 4), (0.05, 10)])
def test_little_noise_ends_by_precision_with_about_as_many_samples_as_theory_says(
    spread: float, size: int
) -> None:
    ends = [sampled(log_normal(spread), seed=seed, size=size, seconds=9.0) for seed in range(60)]
    assert sum(why == "precision" for why, _, _ in ends) >= 58
    # The median's standard error is sqrt(pi / 2) * spread / sqrt(n).
    expected = max(20.0, np.pi / 2 * (1.96 * spread / 0.01) ** 2)
    assert 0.7 * expected <= np.median([len(samples) for _, samples, _ in ends]) <= 2.2 * expected


def test_the_interval_still_covers_the_median_when_sampling_stops_by_it() -> None:
    times = 500
    covered = 0
    for seed in range(times):
        _, samples, visits = sampled(log_normal(0.03), seed=seed, size=4, seconds=ENDLESS)
        interval = median_interval(samples, visits)
        assert interval is not None
        covered += interval[0] <= 1 <= interval[1]
    assert covered / times >= 0.92


@pytest.mark.parametrize("size", [4, 10, 50])
def test_much_noise_ends_as_stable_long_before_time_is_up(size: int) -> None:
    visits = 40  # as many would the time allow
    draw = log_normal(0.3)
    ends = [sampled(draw, seed=i, size=size, seconds=visits * size / 1e3) for i in range(60)]
    stable = [len(samples) for why, samples, _ in ends if why == "stable"]
    assert len(stable) >= 54
    assert np.median(stable) <= visits * size / 2


@pytest.mark.parametrize("size", [4, 50])
@pytest.mark.parametrize("step", [0.01, 0.03])
def test_drift_does_not_end_as_stable(step: float, size: int) -> None:
    def drifting(generator: np.random.Generator, number: int, count: int) -> Array:
        return np.exp(step * number + generator.normal(0, 0.02, count))

    ends = endings(drifting, size=size, seconds=25 * size / 1e3)
    assert ends["stable"] <= 3
    assert ends["time"] + ends["samples"] >= 54


def test_a_spread_that_grows_does_not_end_as_stable() -> None:
    def growing(generator: np.random.Generator, number: int, count: int) -> Array:
        return np.exp(generator.normal(0, 0.05 * 1.2**number, count))

    assert endings(growing, size=10, seconds=0.25)["stable"] <= 3


@pytest.mark.parametrize(
    ("count", "visits", "call_ms"), [(19, [4, 4, 4, 4, 3], 1.0), (80, [20] * 4, 1.0)]
)
def test_nothing_stops_too_few_samples_or_visits(
    count: int, visits: list[int], call_ms: float
) -> None:
    assert stopped_by([call_ms] * count, visits, target=0.01, seconds=1e-6) is None


def test_ten_samples_of_a_slow_call_may_be_enough() -> None:
    assert stopped_by([1500.0] * 10, [2] * 5, target=0.01, seconds=1e-6) == "precision"


def visits_of(samples: list[float], size: int) -> Iterator[int]:
    for start in range(0, len(samples), size):
        yield min(size, len(samples) - start)


@given(
    st.lists(st.floats(0.1, 100), min_size=20, max_size=60),
    st.floats(1e-4, 0.5),
    st.floats(1e-3, 10),
)
def test_what_stops_a_point_is_what_it_says(
    samples: list[float], target: float, seconds: float
) -> None:
    visits = list(visits_of(samples, 4))
    why = stopped_by(samples, visits, target=target, seconds=seconds)
    interval = median_interval(samples, visits)
    assert interval is not None
    reach = (interval[1] - interval[0]) / 2 / float(np.median(samples))
    assert (why == "precision") == (reach <= target)
    if why == "time":
        assert sum(samples) >= seconds * 1e3
    if sum(samples) >= seconds * 1e3:
        assert why is not None


def test_the_most_samples_end_it() -> None:
    samples = noise(0.5, 0)[:MAX_SAMPLES].tolist()
    assert stopped_by(samples, [50] * 20, target=1e-3, seconds=ENDLESS) == "samples"


def test_time_between_the_samples_counts_where_it_is_known() -> None:
    samples = noise(0.5, 0)[:20].tolist()
    visits = [4] * 5
    assert stopped_by(samples, visits, target=1e-3, seconds=1.0) is None
    assert stopped_by(samples, visits, target=1e-3, seconds=1.0, spent_s=1.5) == "time"


def test_a_clock_that_shows_nothing_is_as_precise_as_it_gets() -> None:
    assert stopped_by([0.0] * 20, [4] * MIN_VISITS, target=0.01, seconds=1.0) == "precision"


def test_a_clock_that_shows_every_other_call_puts_the_target_out_of_reach() -> None:
    samples = ([0.0, 1.0] * 14 + [0.0, 0.0]) * 2
    with np.errstate(all="raise"):
        assert stopped_by(samples, [6] * 10, target=0.01, seconds=1.0) == "stable"


@pytest.mark.parametrize(
    ("name", "target", "ends"),
    [("matmul_192", 0.01, "precision"), ("matmul_1024", 0.05, "precision")],
)
def test_recorded_samples_end_as_they_should(name: str, target: float, ends: str) -> None:
    data = recorded(name)
    asked = [
        stopped_by(
            data["samples_ms"][: sum(data["visits"][:count])],
            data["visits"][:count],
            target=target,
            seconds=ENDLESS,
        )
        for count in range(1, len(data["visits"]) + 1)
    ]
    assert asked[: MIN_VISITS - 1] == [None] * (MIN_VISITS - 1)
    assert next(why for why in asked if why) == ends


def test_recorded_noise_ends_as_stable_where_the_target_is_out_of_reach() -> None:
    data = recorded("matmul_1024")
    assert stopped_by(data["samples_ms"], data["visits"], target=0.005, seconds=8.0) == "stable"
