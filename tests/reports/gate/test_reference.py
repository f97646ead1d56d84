from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from reports.gate.contrasts import Contrasts
from reports.gate.location import Location, degrees, locate
from reports.gate.reference import LEAST_POOL, Reference, reference, residual_pool


def points(
    rng: np.random.Generator, sigmas: list[float], counts: tuple[int, ...] = (3, 3)
) -> tuple[list[Contrasts], list[Location]]:
    blocks = sum(counts)
    found = [
        Contrasts(sigma * rng.normal(size=blocks), sigma * rng.normal(size=(blocks, 2)), counts)
        for sigma in sigmas
    ]
    return found, [
        locate(each.effect[None], np.sum(each.nulls**2, axis=1)[None], counts) for each in found
    ]


@pytest.mark.parametrize("counts", [(2, 2), (3, 2), (3, 3), (5, 5)])
def test_normal_noise_gives_the_quantiles_of_students_t(counts: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    found = reference(rng.standard_normal((20_000, 3)), counts, rng)
    for tail in (0.025, 0.0016):
        assert found.quantile(tail) == pytest.approx(t.isf(tail, degrees(counts)), rel=0.1)


def test_it_is_symmetric() -> None:
    rng = np.random.default_rng(1)
    draws = reference(rng.standard_normal((50, 3)), (3, 3), rng).draws
    assert draws == pytest.approx(-draws[::-1])


def test_a_chance_counts_what_is_as_large_and_is_never_zero() -> None:
    found = Reference(np.array([-2.0, -1.0, 1.0, 2.0]))
    assert found.chance(np.array([0.0, 1.0, 2.0, 3.0])) == pytest.approx(
        [3 / 5, 3 / 5, 2 / 5, 1 / 5]
    )


def test_what_lies_above_a_quantile_has_no_larger_chance_than_its_tail() -> None:
    rng = np.random.default_rng(2)
    found = reference(rng.standard_normal((50, 3)), (3, 3), rng)
    for tail in (0.025, 0.05 / 32, 0.001):
        end = found.quantile(tail)
        assert found.chance(np.array(np.nextafter(end, np.inf))) <= tail
        assert found.chance(np.array(end)) > tail


def test_a_noisy_point_does_not_widen_the_pool() -> None:
    calm = residual_pool(*points(np.random.default_rng(3), [0.01] * 8), np.random.default_rng(0))
    mixed = residual_pool(
        *points(np.random.default_rng(3), [0.01] * 4 + [0.2] * 4), np.random.default_rng(0)
    )
    assert mixed == pytest.approx(calm)


def test_a_small_pool_is_filled_up_and_a_large_one_is_not() -> None:
    rng = np.random.default_rng(4)
    assert residual_pool(*points(rng, [0.01]), rng).shape == (LEAST_POOL, 3)
    assert residual_pool(*points(rng, [0.01] * 16), rng).shape == (96, 3)


def test_the_only_block_of_an_order_is_left_out() -> None:
    rng = np.random.default_rng(5)
    assert residual_pool(*points(rng, [0.01] * 16, (3, 1)), rng).shape == (48, 3)


@pytest.mark.parametrize("sizes", [(1, 2), (1, 6), (16, 6)])
def test_equal_code_has_small_p_values_as_often_as_they_say(
    sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.gate.reference.DRAWS", 500)
    count, blocks = sizes
    counts = (blocks // 2, blocks - blocks // 2)
    rng = np.random.default_rng(6)
    p_values = []
    for _ in range(800 // count):
        sigmas = np.exp(rng.normal(-4, 0.4, count)).tolist()
        found, located = points(rng, sigmas, counts)
        chances = reference(residual_pool(found, located, rng), counts, rng)
        ratios = np.array([each.log[0] / each.error[0] for each in located])
        p_values.extend(chances.chance(np.concatenate([ratios, -ratios])))
    # 40 expected, of 800 pairs in which one at most is small: a standard deviation is 6.
    assert 20 <= np.count_nonzero(np.array(p_values) <= 0.025) <= 60
