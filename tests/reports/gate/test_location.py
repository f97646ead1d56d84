from __future__ import annotations

import numpy as np
import pytest

from reports.gate.location import degrees, lengthened, locate


def normal(rng: np.random.Generator, draws: int, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Effects and sums of squares of nulls, of standard deviation 1."""
    return rng.normal(size=(draws, blocks)), rng.chisquare(2, (draws, blocks))


def test_equal_blocks_are_averaged() -> None:
    found = locate(np.full((1, 6), 0.05), np.full((1, 6), 1e-4), (3, 3))
    assert found.log == pytest.approx([0.05])
    assert found.residuals == pytest.approx(np.zeros((1, 6)))


@pytest.mark.parametrize("counts", [(2, 2), (3, 2), (3, 3), (5, 5)])
def test_the_standard_error_is_that_of_repeated_measurements(counts: tuple[int, int]) -> None:
    found = locate(*normal(np.random.default_rng(0), 20_000, sum(counts)), counts)
    assert np.sqrt(np.mean(found.error**2)) == pytest.approx(np.std(found.log), rel=0.08)


def test_normal_noise_costs_little_precision() -> None:
    effect, squares = normal(np.random.default_rng(1), 20_000, 6)
    found = locate(effect, squares, (3, 3))
    assert np.var(found.log) < 1.08 * np.var(effect.mean(axis=1))


def test_with_disturbed_processes_it_is_surer_than_a_mean() -> None:
    rng = np.random.default_rng(2)
    a1, a2, b1, b2 = rng.normal(size=(4, 20_000, 6)) * np.where(
        rng.random((4, 20_000, 6)) < 0.05, 8, 1
    )
    effect = (b1 + b2 - a1 - a2) / 2
    squares = ((a1 - a2) ** 2 + (b1 - b2) ** 2) / 2
    assert np.var(locate(effect, squares, (3, 3)).log) < 0.5 * np.var(effect.mean(axis=1))


def test_a_block_that_its_nulls_give_away_hardly_counts() -> None:
    rng = np.random.default_rng(3)
    effect, squares = normal(rng, 1, 6)
    disturbed = effect.copy()
    disturbed[0, 2] += 30
    known = squares.copy()
    known[0, 2] += 2 * 30**2
    clean = locate(effect, squares, (3, 3)).log[0]
    assert abs(locate(disturbed, known, (3, 3)).log[0] - clean) < 1.0
    assert disturbed.mean() - effect.mean() == pytest.approx(5.0)


@pytest.mark.parametrize("counts", [(3, 3), (4, 2), (5, 1), (3, 2)])
def test_what_moves_the_two_orders_apart_cancels(counts: tuple[int, int]) -> None:
    effect, squares = normal(np.random.default_rng(4), 50, sum(counts))
    bent = effect + np.repeat([4.0, -4.0], counts)
    before, after = locate(effect, squares, counts), locate(bent, squares, counts)
    assert after.log == pytest.approx(before.log)
    assert after.error == pytest.approx(before.error)


def test_it_scales_with_the_noise_and_shifts_with_the_effect() -> None:
    effect, squares = normal(np.random.default_rng(5), 50, 6)
    one = locate(effect, squares, (3, 3))
    other = locate(0.5 + 0.01 * effect, 0.01**2 * squares, (3, 3))
    assert other.log == pytest.approx(0.5 + 0.01 * one.log)
    assert other.error == pytest.approx(0.01 * one.error)


def test_times_without_any_noise_have_an_error_above_zero() -> None:
    found = locate(np.full((1, 4), 0.1), np.zeros((1, 4)), (2, 2))
    assert found.log == pytest.approx([0.1])
    assert 0 < found.error[0] < 1e-8


def test_every_order_costs_a_degree_of_freedom() -> None:
    assert degrees((3, 3)) == 16
    assert degrees((5,)) == 14


def test_residuals_are_as_long_as_the_noise_they_come_from() -> None:
    effect, squares = normal(np.random.default_rng(6), 1000, 5)
    found = [
        lengthened(locate(effect[i : i + 1], squares[i : i + 1], (3, 2)), (3, 2))
        for i in range(len(effect))
    ]
    assert np.mean(np.square(found)) == pytest.approx(1.0, rel=0.1)


def test_the_only_block_of_an_order_has_a_residual_of_zero() -> None:
    found = lengthened(locate(*normal(np.random.default_rng(7), 1, 4), (3, 1)), (3, 1))
    assert found[3] == 0
