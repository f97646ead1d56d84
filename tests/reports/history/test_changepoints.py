"""Change points: found where they are, and seldom where none is."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.history.changepoints import FALSE_ALARMS, MIN_RUNS, level_shifts, steps

Noise = Callable[[np.random.Generator, int], np.ndarray]
SERIES = 1000


def autocorrelated(rng: np.random.Generator, runs: int, r: float = 0.3) -> np.ndarray:
    values = rng.normal(size=runs + 30)
    for i in range(1, len(values)):
        values[i] += r * values[i - 1]
    return values[30:]


NOISES: dict[str, Noise] = {
    "gaussian": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_t(2, size=n),
    "skewed": lambda rng, n: rng.exponential(size=n),
    "ever noisier": lambda rng, n: rng.normal(size=n) * np.linspace(0.5, 2, n),
    "suddenly noisier": lambda rng, n: rng.normal(size=n) * np.where(np.arange(n) < n // 2, 1, 4),
    "drifting": autocorrelated,
    "two kinds of runner": lambda rng, n: 4.0 * (rng.random(n) < 0.5) + rng.normal(0, 0.5, n),
    "a rarer kind of runner": lambda rng, n: 4.0 * (rng.random(n) < 0.2) + rng.normal(0, 0.5, n),
}


def noisy(noise: Noise, rng: np.random.Generator, runs: int) -> np.ndarray:
    return np.exp(0.02 * noise(rng, runs))


@pytest.mark.parametrize("name", NOISES)
def test_of_series_without_a_shift_no_more_than_stated_have_one(name: str) -> None:
    rng = np.random.default_rng(20)
    alarms = sum(bool(level_shifts(noisy(NOISES[name], rng, 30))) for _ in range(SERIES))
    assert alarms <= FALSE_ALARMS * SERIES


@pytest.mark.parametrize(
    ("runs", "at"), [(10, 5), (20, 5), (30, 5), (30, 15), (30, 25), (200, 195)]
)
def test_a_shift_of_a_tenth_under_two_percent_of_noise_is_found_at_its_place(
    runs: int, at: int
) -> None:
    rng = np.random.default_rng(21)
    found = 0
    for _ in range(300):
        values = noisy(NOISES["gaussian"], rng, runs)
        values[at:] *= 1.1
        found += any(abs(shift.index - at) <= 1 for shift in level_shifts(values))
    assert found >= 0.95 * 300


def test_a_regression_and_its_repair_are_both_found() -> None:
    rng = np.random.default_rng(22)
    found = 0
    for _ in range(200):
        values = noisy(NOISES["gaussian"], rng, 30)
        values[10:20] *= 1.1
        at = [shift.index for shift in level_shifts(values)]
        found += len(at) == 2 and abs(at[0] - 10) <= 1 and abs(at[1] - 20) <= 1
    assert found >= 0.95 * 200


def test_the_interval_holds_the_true_ratio() -> None:
    rng = np.random.default_rng(23)
    held = []
    for _ in range(400):
        values = noisy(NOISES["gaussian"], rng, 30)
        values[15:] *= 1.1
        held += [shift.low <= 1.1 <= shift.high for shift in level_shifts(values)]
    assert 0.9 <= np.mean(held) <= 0.99


def test_runs_that_stand_alone_neither_make_nor_hide_a_shift() -> None:
    values = noisy(NOISES["gaussian"], np.random.default_rng(24), 30)
    values[[4, 21]] *= 3
    assert level_shifts(values) == []
    values[12:] *= 1.1
    (shift,) = level_shifts(values)
    assert abs(shift.index - 12) <= 1
    assert 1.07 < shift.ratio < 1.13


def test_levels_without_noise_shift_by_exactly_what_they_shift_by() -> None:
    (shift,) = level_shifts([2.0] * 7 + [3.0] * 6)
    assert shift.index == 7
    assert shift.ratio == pytest.approx(1.5)
    assert shift.p == pytest.approx(0, abs=1e-9)
    assert level_shifts([0.1 + 0.2] * 10 + [0.3] * 10) == []  # the same but for rounding


def test_a_clock_that_ticks_hides_no_shift() -> None:
    values = [(1.0 if i < 8 else 1.2) * (1 + 0.001 * (i % 2)) for i in range(16)]
    (shift,) = level_shifts(values)
    assert shift.index == 8


def test_figures_that_seldom_differ_do_not_shift() -> None:
    values = np.ones(60)
    values[np.random.default_rng(25).random(60) < 0.2] = 1.001
    assert level_shifts(values) == []


def test_too_few_runs_have_no_verdict() -> None:
    values = [1.0] * (MIN_RUNS // 2) + [2.0] * (MIN_RUNS // 2)
    assert level_shifts(values)
    assert level_shifts(values[1:]) == []


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), inf])
def test_what_has_no_logarithm_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        level_shifts([1.0] * 12 + [value])


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    at=st.integers(6, 24),
    ratio=st.floats(0.5, 2.0),
    unit=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_the_unit_does_not_matter(seed: int, at: int, ratio: float, unit: float) -> None:
    values = noisy(NOISES["gaussian"], np.random.default_rng(seed), 30)
    values[at:] *= ratio
    found = level_shifts(values)
    assert [shift.index for shift in level_shifts(values * unit)] == [s.index for s in found]
    assert all(shift.low <= shift.ratio <= shift.high for shift in found)


def test_every_change_of_an_exact_figure_is_a_step() -> None:
    first, second = steps([4096, 4096, 8192, 4096])
    assert (first.index, first.ratio, first.low, first.high) == (2, 2, 2, 2)
    assert (second.index, second.ratio) == (3, 0.5)
    assert steps([0, 3])[0].ratio == inf
    assert steps([5, 5, 5]) == steps([5]) == steps([]) == []


def test_a_step_within_the_tolerance_is_none_but_many_of_them_are() -> None:
    assert steps([0.4, 0.4009, 0.3991], 0.001) == []
    (crept,) = steps([0.4, 0.4006, 0.4012, 0.4018], 0.001)
    assert (crept.index, crept.before, crept.after) == (2, 0.4, 0.4012)


def test_the_ratio_is_that_of_the_levels() -> None:
    values = noisy(NOISES["heavy tails"], np.random.default_rng(26), 40)
    values[20:] *= 1.3
    (shift,) = level_shifts(values)
    assert shift.after / shift.before == shift.ratio == pytest.approx(1.3, rel=0.05)
