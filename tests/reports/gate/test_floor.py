from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from reports.gate.floor import noise_floor
from reports.gate.location import degrees, locate

COUNTS = (3, 3)


@pytest.mark.parametrize("count", [1, 4, 16])
def test_estimates_of_equal_code_lie_beyond_it_in_one_run_of_a_hundred(count: int) -> None:
    rng = np.random.default_rng(0)
    runs = 1000
    shape = (runs * count, 6)
    found = locate(0.02 * rng.normal(size=shape), 0.02**2 * rng.chisquare(2, shape), COUNTS)
    largest = np.abs(found.log).reshape(runs, count).max(axis=1)
    floors = [
        noise_floor(errors, count * degrees(COUNTS))
        for errors in found.error.reshape(runs, count).tolist()
    ]
    # 10 expected at most; more than 20 have a chance of a thousandth.
    assert np.count_nonzero(largest > np.log1p(floors)) <= 20
    assert np.median(np.log1p(floors)) < 1.3 * np.quantile(largest, 0.99)


def test_of_one_point_it_is_the_quantile_of_students_t() -> None:
    assert noise_floor([0.01], 16) == pytest.approx(np.expm1(0.01 * t.isf(0.005, 16)))


def test_a_quiet_point_beside_a_noisy_one_adds_nothing() -> None:
    assert noise_floor([0.02, 1e-5], 10_000) == pytest.approx(noise_floor([0.02], 10_000))


def test_it_grows_with_the_noise_and_with_the_points() -> None:
    assert np.log1p(noise_floor([0.04] * 4, 64)) == pytest.approx(
        2 * np.log1p(noise_floor([0.02] * 4, 64))
    )
    assert noise_floor([0.02] * 12, 192) > noise_floor([0.02] * 4, 192)
