from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import quantile_test

from reports.intervals import median_interval, paired_ratio

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, list[int]], Array]

REPLICATIONS = 300
ALLOWED = 0.93 - 2 * np.sqrt(0.95 * 0.05 / REPLICATIONS)
"""Coverage of 93%, less what so few replications may be off by chance."""
SPREAD = 0.03
UNEQUAL = "4 to 50"


def independent(generator: np.random.Generator, visits: list[int]) -> Array:
    return 1 + SPREAD * generator.normal(size=sum(visits))


def skewed(generator: np.random.Generator, visits: list[int]) -> Array:
    return np.exp(generator.normal(0, 0.5, sum(visits)))


def visit_effects(factor: float) -> Draw:
    def draw(generator: np.random.Generator, visits: list[int]) -> Array:
        effects = np.repeat(generator.normal(size=len(visits)), visits)
        return independent(generator, visits) + factor * SPREAD * effects

    return draw


def autocorrelated(generator: np.random.Generator, visits: list[int]) -> Array:
    found = []
    for count in visits:
        noise = generator.normal(size=count)
        for i in range(1, count):
            noise[i] = 0.8 * noise[i - 1] + 0.6 * noise[i]
        found.append(noise)
    return 1 + SPREAD * np.concatenate(found)


def drift(generator: np.random.Generator, visits: list[int]) -> Array:
    ramp = np.repeat(np.linspace(-2, 2, len(visits)), visits)
    return independent(generator, visits) + SPREAD * ramp


def outliers(generator: np.random.Generator, visits: list[int]) -> Array:
    samples = independent(generator, visits)
    return np.where(generator.random(len(samples)) < 0.03, 10 * samples, samples)


CASES: dict[str, tuple[Draw, float]] = {
    "independent": (independent, 1.0),
    "skewed": (skewed, 1.0),
    "visit effects 0.5": (visit_effects(0.5), 1.0),
    "visit effects 1": (visit_effects(1.0), 1.0),
    "visit effects 3": (visit_effects(3.0), 1.0),
    "autocorrelated": (autocorrelated, 1.0),
    "drift": (drift, 1.0),
    "outliers": (outliers, 1 + SPREAD * float(ndtri(0.5 / 0.97))),
}


def visit_sizes(generator: np.random.Generator, count: int, size: int | str) -> list[int]:
    if isinstance(size, int):
        return [size] * count
    return [int(n) for n in generator.integers(4, 51, count)]


@pytest.mark.parametrize("size", [4, 50, UNEQUAL])
@pytest.mark.parametrize("count", [5, 10, 20])
@pytest.mark.parametrize("case", CASES)
def test_the_interval_covers_the_median_as_often_as_it_says(
    case: str, count: int, size: int | str
) -> None:
    draw, true = CASES[case]
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(REPLICATIONS):
        visits = visit_sizes(generator, count, size)
        interval = median_interval(draw(generator, visits).tolist(), visits)
        assert interval is not None
        covered += interval[0] <= true <= interval[1]
    assert covered / REPLICATIONS >= ALLOWED


def sign_test(samples: list[float]) -> tuple[float, float]:
    low, high = quantile_test(samples, q=0, p=0.5).confidence_interval(0.95)
    return float(low), float(high)


@pytest.mark.parametrize("size", [4, 10, 50])
def test_the_interval_of_independent_samples_is_not_much_wider_than_the_sign_tests(
    size: int,
) -> None:
    generator = np.random.default_rng(2)
    widths = []
    for _ in range(200):
        samples = independent(generator, [size] * 10).tolist()
        found = median_interval(samples, [size] * 10)
        assert found is not None
        low, high = sign_test(samples)
        widths.append((found[1] - found[0], high - low))
    ours, theirs = np.mean(widths, axis=0)
    assert 1.0 <= ours / theirs <= 1.35


@given(st.lists(st.integers(1, 12), min_size=5, max_size=30), st.integers(0, 2**32 - 1))
def test_the_interval_is_never_narrower_than_the_sign_tests(visits: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).normal(size=sum(visits)).tolist()
    found = median_interval(samples, visits)
    if len(samples) < 6:
        assert found is None
        return
    low, high = sign_test(samples)
    assert found is not None
    assert found[0] <= low
    assert found[1] >= high


def test_visits_that_agree_perfectly_have_the_interval_of_the_sign_test() -> None:
    samples = [float(i) for _ in range(10) for i in range(10)]
    assert median_interval(samples, [10] * 10) == sign_test(samples)


def test_visits_that_lie_apart_widen_the_interval() -> None:
    samples = [visit + i / 100 for visit in range(10) for i in range(10)]
    found = median_interval(samples, [10] * 10)
    assert found is not None
    low, high = sign_test(samples)
    assert found[1] - found[0] > 2 * (high - low)


def test_constant_samples_have_an_interval_of_no_width() -> None:
    assert median_interval([2.5] * 40, [4] * 10) == (2.5, 2.5)


@given(st.lists(st.integers(1, 60), min_size=6, max_size=12), st.floats(0.1, 10))
def test_the_interval_scales_with_its_samples(visits: list[int], factor: float) -> None:
    samples = np.random.default_rng(3).lognormal(size=sum(visits))
    found = median_interval(samples.tolist(), visits)
    scaled = median_interval((factor * samples).tolist(), visits)
    assert found is not None
    assert scaled == pytest.approx((factor * found[0], factor * found[1]))
    assert found[0] <= np.median(samples) <= found[1]


def test_visits_of_unequal_size_count_for_fewer() -> None:
    # The same excess of the visits over the median, spread over as many visits of other sizes.
    equal = median_interval([i % 8 for i in range(80)], [8] * 10)
    unequal = median_interval([i % 8 for i in range(80)], [4, 12] * 5)
    assert equal is not None
    assert unequal is not None
    assert unequal[1] - unequal[0] > equal[1] - equal[0]


@pytest.mark.parametrize("visits", [[50], [10] * 4, [1] * 5])
def test_too_few_visits_or_samples_have_no_interval(visits: list[int]) -> None:
    assert median_interval([1.0 + i for i in range(sum(visits))], visits) is None


@pytest.mark.parametrize("visits", [[5, 5], [12, 0], []])
def test_visits_that_do_not_add_up_are_refused(visits: list[int]) -> None:
    with pytest.raises(ValueError, match="do not make 12 samples"):
        median_interval([1.0] * 12, visits)


def normal(generator: np.random.Generator, count: int) -> Array:
    return np.exp(generator.normal(0, 0.03, count))


def long_tail(generator: np.random.Generator, count: int) -> Array:
    return (1 + 0.05 * generator.exponential(size=count)) / (1 + 0.05 * np.log(2))


def quiet(generator: np.random.Generator, count: int) -> Array:
    return 1 + generator.normal(0, 0.001, count)


@pytest.mark.parametrize("rounds", [5, 20])
@pytest.mark.parametrize("sizes", [(4, 4), (50, 4), (4, 50), (30, 30)])
@pytest.mark.parametrize(
    ("own", "other"), [(normal, normal), (long_tail, long_tail), (quiet, long_tail)]
)
def test_drift_that_both_share_cancels_and_the_ratio_is_covered(
    own: Callable[..., Array], other: Callable[..., Array], sizes: tuple[int, int], rounds: int
) -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(REPLICATIONS):
        shared = np.exp(np.linspace(0, 0.3, rounds) + generator.normal(0, 0.1, rounds))
        mine, theirs = (
            np.repeat(shared, size) * draw(generator, rounds * size)
            for draw, size in zip((own, other), sizes, strict=True)
        )
        found = paired_ratio(
            mine.tolist(), [sizes[0]] * rounds, (1.3 * theirs).tolist(), [sizes[1]] * rounds
        )
        assert found is not None
        covered += found.low <= 1.3 <= found.high
    assert covered / REPLICATIONS >= ALLOWED


def test_pairing_is_far_narrower_than_the_drift() -> None:
    generator = np.random.default_rng(6)
    visits = [10] * 20
    shared = np.repeat(np.linspace(1, 2, 20), visits)
    own, other = (shared * normal(generator, 200) for _ in range(2))
    found = paired_ratio(own.tolist(), visits, (2 * other).tolist(), visits)
    assert found is not None
    assert found.ratio == pytest.approx(2, rel=0.01)
    assert found.high / found.low < 1.03
    alone = median_interval(own.tolist(), visits)
    assert alone is not None
    assert alone[1] / alone[0] > 1.2


def test_exact_multiples_have_a_ratio_without_width() -> None:
    own = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    found = paired_ratio(own, [1] * 6, [3 * sample for sample in own], [1] * 6)
    assert found is not None
    assert (found.ratio, found.low, found.high) == pytest.approx((3, 3, 3))


def test_visits_without_a_partner_are_left_out() -> None:
    own = [1.0, 1.1] * 10
    other = [2.0, 2.2] * 6
    expected = paired_ratio(own[:12], [2] * 6, other, [2] * 6)
    assert expected is not None
    assert paired_ratio(own, [2] * 10, other, [2] * 6) == expected


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=6, max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_changing_sides_inverts_the_ratio(sizes: list[tuple[int, int]], seed: int) -> None:
    generator = np.random.default_rng(seed)
    own_visits, other_visits = ([size[side] for size in sizes] for side in (0, 1))
    own, other = (
        generator.lognormal(size=sum(visits)).tolist() for visits in (own_visits, other_visits)
    )
    found = paired_ratio(own, own_visits, other, other_visits)
    inverse = paired_ratio(other, other_visits, own, own_visits)
    assert found is not None
    assert inverse is not None
    assert (1 / found.ratio, 1 / found.high, 1 / found.low) == pytest.approx(
        (inverse.ratio, inverse.low, inverse.high)
    )


def test_fewer_than_five_common_rounds_have_no_ratio() -> None:
    assert paired_ratio([1.0] * 40, [4] * 10, [1.0] * 16, [4] * 4) is None


def test_a_sample_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="the clock is too coarse"):
        paired_ratio([1.0] * 10, [2] * 5, [0.0] * 10, [2] * 5)


@pytest.mark.parametrize("name", ["matmul_192", "matmul_1024"])
def test_two_halves_of_recorded_visits_have_a_ratio_of_one(name: str) -> None:
    file = Path(__file__).parents[1] / "data" / "samples" / f"{name}.json"
    data = json.loads(file.read_text("utf-8"))
    recorded = np.split(np.array(data["samples_ms"]), np.cumsum(data["visits"])[:-1])
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(REPLICATIONS):
        shuffled = [generator.permutation(visit) for visit in recorded]
        own, other = ([visit[side::2] for visit in shuffled] for side in (0, 1))
        found = paired_ratio(
            np.concatenate(own).tolist(),
            [len(visit) for visit in own],
            np.concatenate(other).tolist(),
            [len(visit) for visit in other],
        )
        assert found is not None
        covered += found.low <= 1 <= found.high
    assert covered / REPLICATIONS >= ALLOWED
