import numpy as np
import pytest
from scipy import stats

from reports.models.scatter import errors, kept

LENGTHS = np.linspace(0, 1, 8)
LINE = np.column_stack([np.ones(8), LENGTHS])
DRAWS = 20_000


def test_what_is_kept_adds_up_to_the_degrees_of_freedom():
    share = kept(LINE)
    assert share.sum() == pytest.approx(6)
    # The ends of a line are what it follows most.
    assert share[0] == pytest.approx(share[-1]) == pytest.approx(share.min())


def test_without_sampling_error_the_errors_are_students_t():
    residuals = np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    drawn, between = errors(residuals, kept(LINE), np.zeros((DRAWS, 8)), np.random.default_rng(0))
    scale = np.sqrt(np.sum(residuals**2) / 6)
    assert np.median(between) == pytest.approx(
        scale * np.sqrt(6 / stats.chi2.ppf(0.5, 6)), rel=0.02
    )
    assert np.percentile(drawn[:, 3], 97.5) == pytest.approx(
        scale * stats.t.ppf(0.975, 6), rel=0.05
    )


def test_residuals_smaller_than_sampling_allows_leave_the_sampling_error():
    rng = np.random.default_rng(0)
    deviations = rng.normal(0, 0.05, (DRAWS, 8))
    drawn, between = errors(np.full(8, 1e-6), kept(LINE), deviations, rng)
    assert not between.any()
    assert (drawn == deviations).all()


def test_scatter_beyond_sampling_is_found_and_added():
    rng = np.random.default_rng(0)
    deviations = rng.normal(0, 0.03, (DRAWS, 8))
    residuals = np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    _, between = errors(residuals, kept(LINE), deviations, rng)
    total = np.median(between**2) + 0.03**2
    assert total == pytest.approx(0.08 / stats.chi2.ppf(0.5, 6), rel=0.05)
