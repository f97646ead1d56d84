import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

from reports.models import power_law

LENGTHS = 256.0 * 2 ** np.arange(8)


def fit(value):
    return power_law.fit(LENGTHS, value, np.ones((1, len(LENGTHS)), dtype=bool))[0]


@given(
    st.floats(0, 0.9, allow_subnormal=False),
    st.floats(1e-3, 1e6),
    st.floats(0.3, 3.5),
)
def test_an_exact_curve_gives_its_parameters_back(share, size, exponent):
    value = size * (share + (1 - share) * (LENGTHS / LENGTHS[0]) ** exponent)
    found = fit(value)
    assert found[2] == pytest.approx(exponent, abs=1e-4)
    assert power_law.evaluate(found, LENGTHS) == pytest.approx(value, rel=1e-5)


def noisy(seed, spread=0.1):
    rng = np.random.default_rng(seed)
    return (0.5 + (LENGTHS / 1024) ** 1.5) * np.exp(rng.normal(0, spread, len(LENGTHS)))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_least_squares_of_the_logarithm(seed):
    value = noisy(seed)

    def residuals(x):
        return np.log(value / power_law.evaluate(np.array(x), LENGTHS / 1024))

    best = least_squares(residuals, [0.5, 1.0, 1.5], bounds=([0, 0, 0], [np.inf, np.inf, 4]))
    own = np.log(value / power_law.evaluate(fit(value), LENGTHS))
    assert np.sum(own**2) == pytest.approx(2 * best.cost, rel=1e-4)


def test_a_fixed_cost_below_zero_is_none():
    value = (LENGTHS / 256) ** 1.0 - 0.4
    fixed, _, exponent = fit(value)
    assert fixed == 0
    assert exponent > 1


def test_a_falling_curve_is_flat_at_best():
    fixed, scale, exponent = fit(1e3 / LENGTHS)
    assert (fixed, exponent) == (0, 0)
    assert scale > 0


def test_an_exponent_beyond_the_largest_is_the_largest():
    assert fit(LENGTHS**5)[2] == power_law.MAX_EXPONENT


def test_refits_without_errors_are_the_fit_itself():
    parameters = fit(noisy(0))
    drawn = power_law.refit(parameters, LENGTHS, np.zeros((3, len(LENGTHS))))
    assert power_law.evaluate(drawn, LENGTHS) == pytest.approx(
        np.tile(power_law.evaluate(parameters, LENGTHS), (3, 1)), rel=1e-4
    )
    assert drawn[:, 2] == pytest.approx(parameters[2], abs=2e-4)


def test_refits_follow_their_errors_as_a_fit_of_those_values_does():
    parameters = np.array([0.5, 1e-4, 1.5])
    errors = np.random.default_rng(3).normal(0, 0.02, (50, len(LENGTHS)))
    drawn = power_law.refit(parameters, LENGTHS, errors)
    fitted = power_law.evaluate(parameters, LENGTHS)
    own = [fit(fitted * np.exp(error))[2] for error in errors]
    assert drawn[:, 2] == pytest.approx(own, abs=0.01)


def test_the_gradient_spans_the_directions_of_the_parameters():
    parameters = np.array([0.5, 1e-4, 1.5])
    steps = 1e-6 * np.diag(parameters)
    base = np.log(power_law.evaluate(parameters, LENGTHS))
    moved = np.log(power_law.evaluate(parameters + steps, LENGTHS)) - base
    columns = power_law.gradient(parameters, LENGTHS)
    left = moved.T - columns @ np.linalg.lstsq(columns, moved.T, rcond=None)[0]
    assert np.abs(left).max() < 1e-3 * np.abs(moved).max()


def test_each_of_several_fits_is_to_its_own_lengths():
    value = noisy(0)
    used = np.arange(len(LENGTHS)) >= np.arange(3)[:, None]
    together = power_law.fit(LENGTHS, value, used)
    for row, found in zip(used, together, strict=True):
        alone = power_law.fit(LENGTHS[row], value[row], np.ones((1, row.sum()), dtype=bool))
        assert found == pytest.approx(alone[0], rel=1e-3)
