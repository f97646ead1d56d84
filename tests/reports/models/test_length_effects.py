import numpy as np
import pytest

from reports.models import length_effects
from reports.models.length_effects import fit

RATES = np.array([0.4, 0.03, 7e-5, 7e-5, 7e-5])
"""ms a unit: a fixed cost, T, T·n, T²/n and (T/n)² of a layer of width 512 on a small CPU."""


@pytest.fixture(scope="module")
def grid():
    lengths, chunks = (256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288), (32, 64, 128)
    T, n = (axis.ravel() for axis in np.meshgrid(lengths, (*chunks, 256), indexing="ij"))
    return np.stack([np.ones(len(T)), T, T * n, T**2 / n, (T / n) ** 2], axis=1), T


def noisy(grid, rng, own, shared):
    """Values of the terms with errors of these standard deviations."""
    terms, T = grid
    _, groups = np.unique(T, return_inverse=True)
    of_length = rng.normal(0, shared, groups.max() + 1)[groups]
    return terms @ RATES * np.exp(of_length + rng.normal(0, own, len(T)))


def fitted(grid, values):
    """The fit with nothing known of which points are less sure."""
    return fit(grid[0], values, grid[1], np.zeros(len(values)))


def test_exact_values_give_their_coefficients_back(grid):
    terms, T = grid
    found = fit(terms, terms @ RATES, T, np.zeros(len(T)))
    assert found.coefficients == pytest.approx(RATES, rel=1e-5)
    assert found.own_error < 1e-8


def test_a_term_that_is_not_there_gets_nothing(grid):
    terms, T = grid
    rates = np.array([0.4, 0.03, 7e-5, 0, 0])
    found = fit(terms, terms @ rates, T, np.zeros(len(T)))
    assert found.coefficients == pytest.approx(rates, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("own", "shared"), [(0.03, 0.0), (0.02, 0.1)])
def test_intervals_hold_the_true_coefficients_as_often_as_they_say(grid, own, shared, monkeypatch):
    monkeypatch.setattr(length_effects, "DRAWS", 299)
    rng = np.random.default_rng(3)
    runs = 150
    held = np.zeros(len(RATES))
    for _ in range(runs):
        draws = fitted(grid, noisy(grid, rng, own, shared)).draws
        low, high = np.percentile(draws, (2.5, 97.5), axis=0)
        held += (low <= RATES) & (high >= RATES)
    # Three standard errors of 95% among 150.
    assert np.all(held[1:4] / runs >= 0.95 - 3 * 0.018)
    # Wide enough for all is no art: over all cases they hold not much more than 95%.
    assert held[2:4].mean() / runs <= 0.99


def test_both_kinds_of_error_are_found(grid):
    rng = np.random.default_rng(5)
    found = [fitted(grid, noisy(grid, rng, 0.01, 0.1)) for _ in range(20)]
    assert np.median([one.own_error for one in found]) == pytest.approx(0.01, rel=0.2)
    assert np.median([one.length_error for one in found]) == pytest.approx(0.1, rel=0.3)


def test_what_a_length_shares_does_not_blur_what_differs_inside_it(grid):
    rng = np.random.default_rng(6)
    widths = {}
    for shared in (0.0, 0.2):
        draws = fitted(grid, noisy(grid, rng, 0.01, shared)).draws
        ratio = draws[:, 3] / draws[:, 2]
        widths[shared] = np.subtract(*np.percentile(np.log(ratio), (97.5, 2.5)))
    assert widths[0.2] < 2.5 * widths[0.0]


def test_no_draw_is_below_zero(grid):
    rng = np.random.default_rng(7)
    found = fitted(grid, noisy(grid, rng, 0.2, 0.1))
    assert found.coefficients.min() >= 0
    assert found.draws.min() >= 0


def test_the_same_values_give_the_same_draws(grid):
    values = noisy(grid, np.random.default_rng(8), 0.05, 0.05)
    assert np.array_equal(fitted(grid, values).draws, fitted(grid, values).draws)


def test_a_point_whose_samples_disagree_pulls_less(grid):
    values = grid[0] @ RATES
    values[20] *= 1.5
    variances = np.zeros(len(values))
    variances[20] = 0.04
    off = [
        np.abs(fit(grid[0], values, grid[1], known).coefficients / RATES - 1)[1:4].max()
        for known in (np.zeros(len(values)), variances)
    ]
    assert off[1] < off[0] / 2
