from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bench import built as module
from bench.built import BuiltPoints
from reports.schema import Point

MakePoint = Callable[..., Point]


def memory(monkeypatch: pytest.MonkeyPatch, points: float, of: int) -> None:
    """Have room for so many points of a size."""
    total = int(points * of / module.HELD_SHARE)
    monkeypatch.setattr(module, "memory_bytes", lambda device: total)


def size(point: Point) -> int:
    return BuiltPoints().get(point).bytes


def test_a_point_that_takes_its_turn_again_is_the_very_same(make_point: MakePoint) -> None:
    built = BuiltPoints()
    first = built.get(make_point())
    first.warm = True
    built.get(make_point(seed=1))
    assert built.get(make_point()) is first
    assert len(built) == 2


def test_it_counts_inputs_parameters_and_the_upstream_gradient(make_point: MakePoint) -> None:
    inputs, parameters = 2 * 24 * 16 * 4, (16 * 48 + 48 + 16 * 16 + 16 + 16 + 16) * 4
    assert size(make_point()) == inputs + parameters
    assert size(make_point(direction="forward+backward")) == 2 * inputs + parameters


def test_what_was_not_used_for_longest_goes_first(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [make_point(seed=seed) for seed in range(4)]
    memory(monkeypatch, 3.5, size(points[0]))
    built = BuiltPoints()
    first, second, third = (built.get(point) for point in points[:3])
    assert built.get(points[0]) is first  # the second has now waited longest
    built.get(points[3])
    assert len(built) == 3
    assert built.bytes == 3 * first.bytes
    assert built.get(points[0]) is first
    assert built.get(points[2]) is third
    again = built.get(points[1])
    assert again is not second
    assert torch.equal(again.case.inputs[0], second.case.inputs[0])
    assert not again.warm


def test_the_last_one_stays_however_large_it_is(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(monkeypatch, 0.5, size(make_point()))
    built = BuiltPoints()
    built.get(make_point())
    built.get(make_point(seed=1))
    assert len(built) == 1


def test_points_can_be_let_go_of(make_point: MakePoint) -> None:
    built = BuiltPoints()
    for seed in range(3):
        built.get(make_point(seed=seed))
    built.drop(make_point(seed=0))
    built.drop(make_point(seed=9))  # it was never there
    assert len(built) == 2
    assert built.drop_all_but(make_point(seed=1))
    assert len(built) == 1
    assert not built.drop_all_but(make_point(seed=1))


def test_a_call_is_captured_once_and_replayed(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured: list[object] = []

    class Graph:
        def __init__(self, case: object) -> None:
            captured.append(case)

    monkeypatch.setattr(module, "Replay", Graph)
    built = BuiltPoints()
    case = built.get(make_point()).case
    before = built.get(make_point()).timer
    first = built.capture(make_point())
    assert isinstance(first.call, Graph)
    assert first.case is case
    assert first.timer is not before
    assert built.capture(make_point()).call is first.call
    assert captured == [case]
