import numpy as np
import pytest

from reports.models import polynomial

LENGTHS = 256.0 * 2 ** np.arange(8)


@pytest.mark.parametrize("true", [(3.0, 2e-3, 1e-6), (0.0, 2e-3, 1e-6), (3.0, 0.0, 1e-6)])
def test_an_exact_polynomial_gives_its_coefficients_back(true):
    value = polynomial.evaluate(np.array(true), LENGTHS)
    assert polynomial.fit(LENGTHS, value) == pytest.approx(true, rel=1e-6, abs=1e-12)


def test_no_coefficient_is_below_zero():
    value = 5 + 0.1 * LENGTHS - 1e-6 * LENGTHS**2
    assert (polynomial.fit(LENGTHS, value) >= 0).all()


def test_refits_without_errors_are_the_fit_itself():
    coefficients = np.array([3.0, 2e-3, 1e-6])
    drawn = polynomial.refit(coefficients, LENGTHS, np.zeros((2, len(LENGTHS))))
    assert drawn == pytest.approx(np.tile(coefficients, (2, 1)))


def test_refits_follow_their_errors():
    coefficients = np.array([3.0, 2e-3, 1e-6])
    errors = np.random.default_rng(0).normal(0, 0.01, (500, len(LENGTHS)))
    drawn = polynomial.evaluate(polynomial.refit(coefficients, LENGTHS, errors), LENGTHS)
    spread = np.std(np.log(drawn), axis=0)
    assert (spread < 0.0101).all()
    assert (spread > 0.003).all()


def test_the_gradient_is_of_the_logarithm():
    coefficients = np.array([3.0, 2e-3, 1e-6])
    columns = polynomial.gradient(coefficients, LENGTHS)
    moved = polynomial.evaluate(coefficients * [1, 1 + 1e-6, 1], LENGTHS)
    change = np.log(moved / polynomial.evaluate(coefficients, LENGTHS))
    assert change / change.max() == pytest.approx(columns[:, 1] / columns[:, 1].max(), rel=1e-6)
