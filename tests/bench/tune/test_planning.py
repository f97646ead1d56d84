from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.tune.planning import first_wave, flops_of, foreseen, neighbours
from bench.tune.request import Request


def test_flops_are_those_of_the_cost_model_by_chunk_size(
    make_request: Callable[..., Request],
) -> None:
    points = [each.point for each in make_request("1k").points(1024)]
    flops = flops_of(points)
    assert sorted(flops) == [p.chunk_size for p in points]
    # T·n on one side of sqrt(T), T²/n on the other.
    assert flops[32] < flops[16]
    assert flops[32] < flops[1024]


def test_no_cost_model_means_no_flops(
    make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [each.point for each in make_request("1k").points(1024)]
    monkeypatch.setattr("bench.tune.planning.model_cost", lambda point: None)
    assert flops_of(points) == {}
    monkeypatch.setattr("bench.tune.planning.model_cost", lambda point: 1 / 0)
    assert flops_of(points) == {}


def test_what_costs_half_as_much_again_is_left_out() -> None:
    found = foreseen({16: 400, 32: 100, 64: 149, 96: 151, 128: 300})
    assert [(each.chunk_size, each.times_the_least) for each in found] == [(96, 1.51), (128, 3.0)]
    assert foreseen({16: 149, 32: 100, 64: 151}, far=2.0) == []
    assert foreseen({}) == []


def test_powers_of_two_and_what_leaves_no_tail_go_first() -> None:
    assert first_wave([16, 32, 48, 64, 96, 128], 1024) == [16, 32, 64, 128]
    assert first_wave([16, 32, 48, 50, 64, 96, 100, 128], 1000) == [16, 32, 50, 64, 100, 128]
    assert first_wave([48, 96], 1024) == [48, 96]


@pytest.mark.parametrize(
    ("left", "beside"),
    [([64], [48, 96]), ([64, 128], [48, 96, 192]), ([16], [32]), ([192], [128])],
)
def test_neighbours_stand_beside_what_is_left(left: list[int], beside: list[int]) -> None:
    assert neighbours([16, 32, 48, 64, 96, 128, 192], left) == beside
