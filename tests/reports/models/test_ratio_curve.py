from __future__ import annotations

import numpy as np
import pytest

from reports.models.ratio_curve import ratio_curve
from reports.models.ratios import LogRatios

LENGTHS = np.array([256.0, 512, 1024, 2048, 4096, 8192])


def ratios(log: np.ndarray, deviation: float, lengths: np.ndarray = LENGTHS) -> LogRatios:
    return LogRatios(lengths, log, np.full(len(lengths), deviation**2))


def test_exact_power_laws_give_a_straight_line() -> None:
    log = 0.5 * np.log(LENGTHS / 1000)
    curve = ratio_curve(ratios(log, 1e-4))
    assert curve.log == pytest.approx(0.5 * np.log(curve.seq_len / 1000), abs=2e-3)
    assert curve.seq_len[[0, -1]] == pytest.approx([256, 8192])
    near = np.abs(curve.score) < 5
    assert np.all(np.diff(curve.score[near]) > 0)
    crossing = np.interp(0, curve.score[near], curve.seq_len[near])
    assert crossing == pytest.approx(1000, rel=0.01)


def test_a_bend_of_fixed_costs_is_followed() -> None:
    def log(T: np.ndarray) -> np.ndarray:
        return np.log((0.3 + 6 * (T / 1000) ** 2) / (8 + 4 * T / 1000))

    curve = ratio_curve(ratios(log(LENGTHS), 1e-3))
    assert curve.log == pytest.approx(log(curve.seq_len), abs=0.05)


def test_the_sign_is_surer_the_further_and_the_better_measured() -> None:
    log = 0.5 * np.log(LENGTHS / 1000)
    exact, noisy = (ratio_curve(ratios(log, deviation)) for deviation in (0.01, 0.2))
    assert np.all(np.abs(exact.score) >= np.abs(noisy.score) - 0.05)
    assert abs(noisy.score[0]) > abs(noisy.score[len(noisy.score) // 4])


def test_lengths_that_scatter_more_than_their_noise_make_it_less_sure() -> None:
    log = 0.5 * np.log(LENGTHS / 1000)
    scattered = log + np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1])
    calm, wild = (ratio_curve(ratios(each, 0.005)) for each in (log, scattered))
    near = np.argmin(np.abs(calm.seq_len - 1200))
    assert wild.score[near] < calm.score[near] / 2


def test_it_does_not_depend_on_which_side_is_first() -> None:
    log = 0.4 * np.log(LENGTHS / 1000) + np.array([0.02, -0.03, 0.01, 0.03, -0.01, 0.0])
    there, back = ratio_curve(ratios(log, 0.03)), ratio_curve(ratios(-log, 0.03))
    assert there.score == pytest.approx(-back.score, abs=1e-3)


def test_exact_ratios_at_neighbouring_lengths_are_no_trouble() -> None:
    lengths = np.array([1000.0, 1001, 1002, 1003, 1004, 1005, 1006])
    curve = ratio_curve(ratios(np.log(lengths / 1003), 0.0, lengths))
    assert np.all(np.isfinite(curve.score))


def test_one_length_is_no_curve() -> None:
    with pytest.raises(ValueError, match="two lengths with a ratio, got 1"):
        ratio_curve(LogRatios(LENGTHS[:1], np.zeros(1), np.ones(1)))
