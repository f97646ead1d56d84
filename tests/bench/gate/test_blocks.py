"""Turns in four processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.gate import blocks
from bench.gate.blocks import (
    BASE,
    HEAD,
    LEAST_CYCLES,
    Timed,
    Twins,
    Untimed,
    measure_block,
    reduced,
)
from bench.messages import Failure, Turn
from reports.schema import Point, Status

Drift = Callable[[int], float]


class Worker:
    """A process whose calls take a set time, on a machine that slows down turn by turn."""

    log: list[tuple[int, str]]

    def __init__(self, side: int, ms: float, log: list[tuple[int, str]], drift: Drift) -> None:
        self._side, self._ms, self._log, self._drift = side, ms, log, drift
        self.fails = False

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def start(self, point: Point) -> None:
        pass

    def ask(self, do: str, point: Point) -> Turn | Failure:
        self._log.append((self._side, point.variant))
        assert do == "turn"
        if self.fails and point.variant == "full":
            return Failure(status=Status.CRASHED, reason="it fell")
        ms = self._ms * self._drift(len(self._log))
        return Turn(samples_ms=[ms, ms, 7 * ms])


@pytest.fixture
def twins(make_point: Callable[..., Point]) -> list[Twins]:
    return [Twins(each, each) for each in (make_point(variant="hatrick"), make_point())]


def measured(
    twins: list[Twins],
    *,
    base_first: bool = True,
    drift: Drift = lambda turn: 1.0,
    failing: int | None = None,
) -> tuple[list[Timed | Untimed], list[tuple[int, str]]]:
    log: list[tuple[int, str]] = []

    def start(side: int) -> Any:
        worker = Worker(side, {BASE: 2.0, HEAD: 3.0}[side], log, drift)
        worker.fails = side == failing
        return worker

    found = measure_block(
        twins, start, base_first=base_first, seconds=0.0, watch=lambda point: None
    )
    return found, log


def test_turns_go_there_and_back_again_in_the_order_of_the_block(twins: list[Twins]) -> None:
    _, log = measured(twins[:1])
    cycle = [BASE, HEAD, HEAD, BASE, BASE, HEAD, HEAD, BASE]
    assert [side for side, _ in log] == cycle * (1 + LEAST_CYCLES)

    _, log = measured(twins[:1], base_first=False)
    cycle = [HEAD, BASE, BASE, HEAD, HEAD, BASE, BASE, HEAD]
    assert [side for side, _ in log] == cycle * (1 + LEAST_CYCLES)


@pytest.mark.parametrize("base_first", [True, False])
def test_each_side_gets_its_own_times(twins: list[Twins], base_first: bool) -> None:
    found, _ = measured(twins, base_first=base_first)
    for each in found:
        assert isinstance(each, Timed)
        assert each.block.base == pytest.approx((2.0, 2.0))
        assert each.block.head == pytest.approx((3.0, 3.0))
        assert each.block.base_first is base_first


def test_a_machine_that_slows_down_steadily_changes_no_ratio(twins: list[Twins]) -> None:
    found, _ = measured(twins, drift=lambda turn: 1.05**turn)
    for each in found:
        assert isinstance(each, Timed)
        ratio = np.prod(each.block.head) / np.prod(each.block.base)
        assert ratio == pytest.approx(1.5**2)


def test_the_first_cycle_is_warm_up_and_every_other_sample_is_kept(twins: list[Twins]) -> None:
    found, _ = measured(twins[:1])
    assert isinstance(found[0], Timed)
    for process in found[0].processes:
        assert len(process.warmup_ms) == 2 * 3
        assert len(process.samples_ms) == 2 * 3 * LEAST_CYCLES
    assert [process.side for process in found[0].processes] == [BASE, HEAD, HEAD, BASE]


def test_a_point_that_fails_leaves_the_others_their_times(twins: list[Twins]) -> None:
    found, log = measured([twins[1], twins[0]], failing=HEAD)
    first, second = found
    assert isinstance(first, Untimed)
    assert (first.side, first.failure.reason) == (HEAD, "it fell")
    assert isinstance(second, Timed)
    assert [name for _, name in log].count("full") == 2  # up to the turn that failed


def test_a_call_shorter_than_the_clocks_tick_has_a_time_all_the_same(
    twins: list[Twins], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "ask", lambda *_: Turn(samples_ms=[0.0]))
    found, _ = measured(twins[:1])
    assert isinstance(found[0], Timed)
    assert found[0].block.base == pytest.approx((blocks.CLOCK_TICK_MS,) * 2)


@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=20),
    st.lists(st.floats(-1, 1), min_size=4, max_size=4),
    st.booleans(),
)
def test_what_a_cycle_does_to_all_processes_alike_changes_no_ratio(
    offsets: list[float], own: list[float], base_first: bool
) -> None:
    still = reduced(np.tile(own, (len(offsets), 1)), base_first=base_first)
    moved = reduced(np.add.outer(offsets, own), base_first=base_first)
    for one, other in zip((*still.base, *still.head), (*moved.base, *moved.head), strict=True):
        assert one / still.base[0] == pytest.approx(other / moved.base[0])


def test_one_disturbed_turn_changes_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    logs = rng.normal(0, 0.01, (12, 4))
    logs[2, 1] = 3.0
    block = reduced(logs, base_first=True)
    assert (*block.base, *block.head) == pytest.approx((1.0,) * 4, abs=0.015)
