"""Both sides examined, timed in blocks, and judged; here without processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from answers import prepared

from bench.gate import run
from bench.gate.blocks import BASE, HEAD, Process, Timed, Twins, Untimed
from bench.gate.examine import Examined
from bench.gate.planning import Pair
from bench.gate.run import Both, Gate, Rules
from bench.gate.sides import Code
from bench.messages import Failure, Prepared
from bench.points import Planned
from bench.spec import SweepSpec
from reports.gate.result import Block, Side, Verdict
from reports.schema import Point, Status

CODE = {name: Code(side=Side(name=name), path=(), plugins=()) for name in ("base", "head")}
NOISE = (0.998, 1.003, 1.001, 0.999, 1.004, 0.997, 1.002)


class Quiet:
    """Watches, and says nothing."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []

    def begin(self, what: str, steps: int) -> None:
        self.stages.append((what, steps))

    def watch(self, point: Point) -> None:
        pass


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Gate]:
    """A gate whose points take what they are said to, and whose processes are not there."""

    def gate(
        rules: Rules,
        ratio: float = 1.0,
        noise: float = 1.0,
        fails: int | None = None,
    ) -> Gate:
        class Examiner:
            def __init__(self, *_: Any) -> None:
                pass

            def examine(self, planned: Sequence[Planned]) -> list[Examined]:
                return [Examined(each.point, answer(each)) for each in planned]

            def end(self) -> None:
                pass

        def answer(planned: Planned) -> Prepared | Failure:
            if planned.unsupported:
                return Failure(status=Status.UNSUPPORTED, reason=planned.unsupported)
            return prepared()

        def block(twins: Sequence[Twins], *_: Any, base_first: bool, **__: Any) -> list[Any]:
            if fails is not None:
                return [Untimed(fails, Failure(status=Status.CRASHED, reason="it fell"))] * len(
                    twins
                )
            taken.append(len(twins))
            a = [1 + noise * (NOISE[(len(taken) + i) % 7] - 1) for i in range(4)]
            found = Block(
                base=(a[0], a[1]), head=(ratio * a[2], ratio * a[3]), base_first=base_first
            )
            return [Timed(found, 0, [Process(BASE), Process(HEAD)]) for _ in twins]

        taken: list[int] = []
        monkeypatch.setattr(run, "Examiner", Examiner)
        monkeypatch.setattr(run, "measure_block", block)
        return Gate(CODE["base"], CODE["head"], SweepSpec(), rules, Quiet())

    return gate


@pytest.fixture
def pairs(make_point: Callable[..., Point]) -> list[Pair]:
    return [Pair(f"T={T}", *[Planned(make_point(seq_len=T))] * 2) for T in (24, 48)]


RULES = Rules(limit=0.05, rate=0.05, blocks=6)


def test_equal_code_is_the_same(two: Callable[..., Gate], pairs: list[Pair]) -> None:
    gate = two(RULES)
    judged = gate.time(gate.examine(pairs))
    assert {timing.verdict for timing in judged.timings.values()} == {Verdict.SAME}
    assert set(judged.timings) == {"T=24", "T=48"}


def test_slower_code_is_slower(two: Callable[..., Gate], pairs: list[Pair]) -> None:
    gate = two(RULES, ratio=1.2)
    both = gate.examine(pairs)
    judged = gate.time(both)
    assert {timing.verdict for timing in judged.timings.values()} == {Verdict.SLOWER}
    assert all(len(each.blocks) == 6 for each in both)


def test_what_one_side_cannot_do_is_not_timed(
    two: Callable[..., Gate], pairs: list[Pair], make_point: Callable[..., Point]
) -> None:
    gate = two(RULES)
    point = make_point(seq_len=96)
    both = gate.examine(
        [
            pairs[0],
            Pair("new", None, Planned(point)),
            Pair("gone", Planned(point), None),
            Pair("unsupported", Planned(point), Planned(point, "not here")),
        ]
    )
    judged = gate.time(both)
    assert list(judged.timings) == ["T=24"]
    assert [each.untimed for each in both] == [
        "",
        "base does not have it",
        "head does not have it",
        "head is unsupported",
    ]


def test_without_blocks_nothing_is_timed(two: Callable[..., Gate], pairs: list[Pair]) -> None:
    gate = two(Rules(limit=0.05, rate=0.05, blocks=0))
    both = gate.examine(pairs)
    judged = gate.time(both)
    assert (judged.timings, judged.noise, judged.limit) == ({}, None, 0.05)
    assert {each.untimed for each in both} == {"timings were not asked for"}


@pytest.mark.parametrize(("side", "name"), [(BASE, "base"), (HEAD, "head")])
def test_a_point_that_fails_when_it_is_timed_has_failed(
    two: Callable[..., Gate], pairs: list[Pair], side: int, name: str
) -> None:
    gate = two(RULES, fails=side)
    both = gate.examine(pairs)
    assert gate.time(both).timings == {}
    for each in both:
        assert each.untimed == f"{name} failed when it was timed: it fell"
        assert each.base is not None
        assert each.head is not None
        # What was told of it before still holds; that head fell is told beside it.
        assert each.base.figures.status is each.head.figures.status is Status.OK
        assert (each.fell is not None) == (side == HEAD)


def test_unsure_points_are_settled_with_more_blocks(
    two: Callable[..., Gate], pairs: list[Pair]
) -> None:
    noisy: dict[str, Any] = {"ratio": 1.06, "noise": 8.0}
    gate = two(Rules(limit=0.05, rate=0.05, blocks=6), **noisy)
    both = gate.examine(pairs)
    unsettled = gate.time(both)
    assert {timing.verdict for timing in unsettled.timings.values()} == {Verdict.UNSURE}
    assert all(timing.more_blocks > 0 for timing in unsettled.timings.values())

    gate = two(Rules(limit=0.05, rate=0.05, blocks=6, settle=True), **noisy)
    both = gate.examine(pairs)
    gate.time(both)
    assert all(6 < len(each.blocks) <= run.MOST_BLOCKS * 6 for each in both)


def test_what_is_settled_is_left_alone(two: Callable[..., Gate], pairs: list[Pair]) -> None:
    gate = two(Rules(limit=0.05, rate=0.05, blocks=6, settle=True))
    both: list[Both] = gate.examine(pairs)
    gate.time(both)
    assert all(len(each.blocks) == 6 for each in both)
