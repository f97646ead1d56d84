import numpy as np
import pytest
from noisy_curves import make_curve, measure
from scipy import stats

from reports.models.growth import Growth, Unfit, growth

LENGTHS = [256 * 2**i for i in range(8)]
T = np.array(LENGTHS, dtype=float)


def test_an_exact_curve_gives_its_growth_back_with_an_interval_of_no_width():
    grown = growth(make_curve(LENGTHS, 1e5 + 300 * T**1.3))
    assert isinstance(grown, Growth)
    assert grown.exponent == pytest.approx(1.3, abs=1e-3)
    assert grown.low <= grown.exponent <= grown.high
    assert grown.high - grown.low < 1e-3
    assert grown.fixed == pytest.approx(1e5, rel=1e-2)
    assert (grown.since, grown.until) == (256, 32768)
    assert grown.error < 1e-4


@pytest.mark.parametrize("drift", [0.0, 0.05, 0.1])
def test_intervals_hold_the_true_exponent_as_often_as_they_say(drift):
    true, runs = 0.4 + 0.6 * (T / T[0]) ** 1.5, 100
    rng = np.random.default_rng(7)
    grown = [growth(measure(rng, LENGTHS, true, drift=drift)) for _ in range(runs)]
    fits = [one for one in grown if isinstance(one, Growth)]
    assert len(fits) > 0.95 * runs
    held = sum(one.low <= 1.5 <= one.high for one in fits)
    assert (
        stats.binom.ppf(0.001, len(fits), 0.92) <= held <= stats.binom.ppf(0.999, len(fits), 0.98)
    )


def test_an_interval_that_ignored_the_drift_would_be_too_narrow():
    true = (T / T[0]) ** 1.5
    calm = growth(measure(np.random.default_rng(0), LENGTHS, true, noise=0.01, visit=0.01))
    drifting = growth(
        measure(np.random.default_rng(0), LENGTHS, true, noise=0.01, visit=0.01, drift=0.1)
    )
    assert drifting.high - drifting.low > 3 * (calm.high - calm.low)


def test_the_band_holds_the_curve_and_is_wider_outside_the_measured_range():
    grown = growth(measure(np.random.default_rng(1), LENGTHS, 2 + 0.01 * T, drift=0.05))
    low, high = grown.band([1024, 8192, 2**18])
    middle = grown.at([1024, 8192, 2**18])
    assert (low < middle).all()
    assert (middle < high).all()
    width = np.log(high / low)
    assert width[2] > 1.5 * width[1]


def test_the_local_slope_is_the_derivative_of_the_fit():
    grown = growth(make_curve(LENGTHS, 1e5 + 300 * T**1.3))
    step = np.log(grown.at(1024 * 1.001) / grown.at(1024 / 1.001)) / np.log(1.001**2)
    assert grown.slope_at(1024) == pytest.approx(step, rel=1e-4)
    assert grown.slope_at(1024) < grown.slope_at(1e6) < grown.exponent


def test_short_lengths_that_follow_another_law_are_left_out():
    true = 0.01 * T
    true[:2] *= 2.5
    grown = growth(measure(np.random.default_rng(2), LENGTHS, true, noise=0.01, visit=0.01))
    assert grown.since == 1024
    assert grown.low <= 1 <= grown.high


def test_at_least_five_lengths_are_fitted():
    grown = growth(make_curve(LENGTHS, T * np.log(T) + 20 * np.sqrt(T)))
    assert sum(grown.since <= T) >= 5


def test_few_lengths_are_no_growth():
    assert growth(make_curve(LENGTHS[:4], T[:4])) == Unfit(
        "4 lengths are too few for a growth of 3 parameters; 5 are needed"
    )
    assert growth(make_curve([256], [1.0])) == Unfit(
        "1 length is too few for a growth of 3 parameters; 5 are needed"
    )


def test_a_fall_is_no_growth():
    value = T.copy()
    value[6] = 2048
    found = growth(make_curve(LENGTHS, value * 1024))
    assert found == Unfit("the workspace falls from 8.00 MiB at T = 8k to 2.00 MiB at 16k")


def test_a_fit_that_misses_says_by_how_much():
    value = T * np.array([1, 1.9, 1, 1.9, 1, 1.9, 1, 1.9])
    found = growth(make_curve(LENGTHS, value))
    assert isinstance(found, Unfit)
    assert "misses the measured values by" in found.reason


def test_an_exponent_that_could_be_anything_is_not_given():
    flat = np.ones(8)
    found = growth(measure(np.random.default_rng(5), LENGTHS, flat, drift=0.03))
    assert isinstance(found, Unfit)
    assert "could be anything from" in found.reason


def test_the_same_curve_gives_the_same_draws():
    curve = measure(np.random.default_rng(1), LENGTHS, T, drift=0.05)
    assert (growth(curve).draws == growth(curve).draws).all()
