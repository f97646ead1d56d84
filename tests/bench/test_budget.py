from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.budget import choose, parse_duration
from bench.forecast import Forecast
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
LENGTHS = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)


def point(variant: str, seq_len: int, chunk_size: int | None = None) -> Point:
    return Point(
        variant=variant,
        backend="auto",
        backend_used="sdpa",
        scope="layer",
        direction="forward",
        batch=1,
        seq_len=seq_len,
        dim=64,
        heads=4,
        chunk_size=chunk_size,
        causal=False,
        dtype="float32",
        device="cpu",
        device_name="a CPU",
        cache="warm",
        cuda_graph=False,
        allocator="kept",
        wait_policy="passive",
        seed=0,
    )


class Priced(Forecast):
    """A forecast whose prices are given."""

    def __init__(self, price: Callable[[Point], float]) -> None:
        super().__init__(seconds=1.0)
        self._price = price

    def seconds(self, point: Point) -> float:
        return self._price(point)


def sweep(lengths: tuple[int, ...] = LENGTHS) -> list[Point]:
    """Full attention, and two variants with three chunk sizes."""
    curves = [("full", None), *((v, n) for v in ("hatrick", "lsh") for n in (64, 128, 256))]
    return [point(name, length, chunk) for length in lengths for name, chunk in curves]


def linear(point: Point) -> float:
    return point.seq_len / 256


def names(points: list[Point]) -> set[tuple[str, int | None, int]]:
    return {(p.variant, p.chunk_size, p.seq_len) for p in points}


points_and_prices = st.tuples(
    st.lists(st.sampled_from(sweep()), min_size=1, max_size=63, unique_by=lambda p: p.key),
    st.integers(0, 2**32),
)


def random_prices(seed: int) -> Callable[[Point], float]:
    return lambda p: 0.1 + crc32(f"{seed} {p.key}".encode()) % 1000 / 10


@settings(max_examples=150, deadline=None)
@given(drawn=points_and_prices, budget=st.floats(0.01, 3000))
def test_the_chosen_fit_and_the_rest_is_left_out_in_the_given_order(
    drawn: tuple[list[Point], int], budget: float
) -> None:
    points, seed = drawn
    price = random_prices(seed)
    chosen, left = choose(points, Priced(price), budget)
    assert sorted([*chosen, *left], key=points.index) == points
    assert [p for p in points if p in chosen] == chosen
    assert [p for p in points if p in left] == left
    total = sum(map(price, chosen))
    if total > budget * (1 + 1e-12):
        assert chosen == [min(points, key=price)]


@settings(max_examples=150, deadline=None)
@given(drawn=points_and_prices, budget=st.floats(0.01, 3000), more=st.floats(0, 500))
def test_a_larger_budget_never_chooses_fewer_points(
    drawn: tuple[list[Point], int], budget: float, more: float
) -> None:
    points, seed = drawn
    forecast = Priced(random_prices(seed))
    few, many = (choose(points, forecast, b)[0] for b in (budget, budget + more))
    assert len(few) <= len(many)


@settings(max_examples=100, deadline=None)
@given(drawn=points_and_prices, budget=st.floats(0.01, 3000))
def test_a_middle_is_chosen_only_where_all_ends_are(
    drawn: tuple[list[Point], int], budget: float
) -> None:
    points, seed = drawn
    chosen = choose(points, Priced(random_prices(seed)), budget)[0]
    curves: dict[tuple[str, int | None], list[Point]] = {}
    for p in sorted(points, key=lambda p: p.seq_len):
        curves.setdefault((p.variant, p.chunk_size), []).append(p)
    ends = [p for curve in curves.values() for p in (curve[0], curve[-1])]
    if any(len([p for p in curve if p in chosen]) > 2 for curve in curves.values()):
        assert all(end in chosen for end in ends)


def test_an_unlimited_budget_chooses_all() -> None:
    assert choose(sweep(), Priced(linear), inf) == (sweep(), [])


def test_the_span_is_halved_and_halved_again() -> None:
    points = [point("full", length) for length in LENGTHS]
    sizes = [choose(points, Priced(lambda p: 1.0), budget)[0] for budget in (2, 3, 5, 9)]
    assert [[p.seq_len for p in chosen] for chosen in sizes] == [
        [256, 65536],
        [256, 4096, 65536],
        [256, 1024, 4096, 16384, 65536],
        list(LENGTHS),
    ]


def test_where_not_all_ends_fit_the_outer_chunk_sizes_go_first() -> None:
    chosen = choose(sweep(), Priced(lambda p: 1.0), 9.0)[0]
    longest = {("full", None), ("hatrick", 128), ("lsh", 128), ("hatrick", 64)}
    assert names(chosen) == {(*curve, length) for curve in longest for length in (256, 65536)}


def test_then_the_longest_length_shrinks_for_all_variants_alike() -> None:
    chosen = choose(sweep(), Priced(linear), 3 * (1 + 32) + 10.0)[0]
    curves = [("full", None), ("hatrick", 128), ("lsh", 128)]
    assert names(chosen) == {(*curve, length) for curve in curves for length in (256, 8192)}


def test_where_nothing_fits_the_cheapest_point_is_chosen_once(make_point: MakePoint) -> None:
    forecast = Priced(linear)
    chosen, left = choose(sweep(), forecast, 0.5)
    assert [p.seq_len for p in chosen] == [256]
    assert len(left) == len(sweep()) - 1
    forecast.learn(failed(make_point()))
    assert choose(sweep(), forecast, 0.5) == ([], sweep())


def failed(point: Point) -> Record:
    values: dict[str, Any] = {"key": point.key, "point": point, "started_at": datetime.now(UTC)}
    return Record(status=Status.TIMEOUT, reason="gave no answer", wall_s=1.0, **values)


def test_what_was_measured_already_is_an_end_and_needs_no_other() -> None:
    forecast = Priced(linear)
    forecast.learn(failed(point("full", 256)))
    ahead = [point("full", length) for length in LENGTHS[1:]]
    assert [p.seq_len for p in choose(ahead, forecast, 257.0)[0]] == [65536]
    assert [p.seq_len for p in choose(ahead, forecast, 275.0)[0]] == [4096, 65536]


def test_ten_thousand_points_are_chosen_from_fast() -> None:
    points = [p for c in range(160) for p in sweep_of_chunk(c + 1)]
    assert len(points) >= 10_000
    forecast = Forecast(seconds=1.0)
    choose(points, forecast, 3600.0)
    start = time.process_time()
    choose(points, forecast, 3600.0)
    assert time.process_time() - start < 1.0


def sweep_of_chunk(chunk: int) -> list[Point]:
    return [point("hatrick", 100 + length, chunk) for length in range(63)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h1m1.5s", 3661.5), ("0.5h", 1800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10 m", "30m1h", "1h30", "-5", "nan", "1e3", "5d"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 90, 90s, 10m or 1h30m"):
        parse_duration(text)
